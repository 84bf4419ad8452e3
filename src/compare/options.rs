//! What a comparison may be told.

use crate::error::{EnvError, Result};
use crate::selection::Selection;

/// Differences listed of one variable, unless another number is given.
const DEFAULT_LISTED: usize = 10;

/// How two workspaces are compared.
///
/// ```
/// use achronyme_env::DiffOptions;
///
/// let options = DiffOptions::new().rtol(1e-6).exclude("tmp_*");
/// ```
#[derive(Clone, Debug)]
pub struct DiffOptions {
    rtol: Option<f64>,
    atol: Option<f64>,
    listed: usize,
    include_only: Option<Vec<String>>,
    exclude: Vec<String>,
}

impl Default for DiffOptions {
    fn default() -> Self {
        DiffOptions {
            rtol: None,
            atol: None,
            listed: DEFAULT_LISTED,
            include_only: None,
            exclude: Vec::new(),
        }
    }
}

impl DiffOptions {
    /// The defaults: all variables, bit for bit, ten differences listed of each.
    pub fn new() -> DiffOptions {
        DiffOptions::default()
    }

    /// Takes numbers for the same when `|a - b| <= atol + rtol * |b|`, the rule of `numpy.isclose`;
    /// `rtol` is relative to b. A tolerance that is not given is 0.
    ///
    /// Then a NaN is any other NaN, an infinity only itself, and 0.0 is -0.0. The rule is for
    /// integers, floats and complex numbers (by their absolute value), alone and in tensors, and is
    /// computed in double precision; booleans and one-byte floats are compared by their bits.
    /// Without any tolerance all numbers are: a NaN is the NaN of the same bits.
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.rtol = Some(rtol);
        self
    }

    /// The absolute tolerance of the rule of [`DiffOptions::rtol`].
    pub fn atol(mut self, atol: f64) -> Self {
        self.atol = Some(atol);
        self
    }

    /// How many differences are listed of one variable; the others are counted. Ten by default.
    pub fn listed(mut self, differences: usize) -> Self {
        self.listed = differences;
        self
    }

    /// Compares only variables whose names are or match one of `patterns` (`*` also crosses `.` and
    /// `/`). An exact name beats a pattern.
    pub fn include_only<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        let patterns = patterns.into_iter().map(Into::into);
        self.include_only.get_or_insert_default().extend(patterns);
        self
    }

    /// Leaves out variables whose names are or match `pattern`, unless
    /// [`DiffOptions::include_only`] names them exactly.
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern.into());
        self
    }

    /// The rules and the selection, once the tolerances are numbers that can be one.
    pub(super) fn check(&self) -> Result<(Rules, Selection)> {
        for (name, tolerance) in [("rtol", self.rtol), ("atol", self.atol)] {
            if tolerance.is_some_and(|tolerance| tolerance.is_nan() || tolerance < 0.0) {
                return Err(EnvError::WrongOption {
                    option: name.to_owned(),
                    expected: "a number from 0 up".to_owned(),
                    found: tolerance.unwrap_or_default().to_string(),
                });
            }
        }
        let tolerance = (self.rtol.is_some() || self.atol.is_some()).then(|| Tolerance {
            rtol: self.rtol.unwrap_or_default(),
            atol: self.atol.unwrap_or_default(),
        });
        let rules = Rules {
            tolerance,
            listed: self.listed,
            first_only: false,
        };
        let selection = Selection::new(self.include_only.as_deref(), &self.exclude)?;
        Ok((rules, selection))
    }
}

/// How far numbers may be apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tolerance {
    pub(super) rtol: f64,
    pub(super) atol: f64,
}

/// How values are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// `None`: bit for bit.
    pub(super) tolerance: Option<Tolerance>,
    /// Differences listed of one variable.
    pub(super) listed: usize,
    /// Whether the first difference of a variable is all that is asked for.
    pub(super) first_only: bool,
}

impl Rules {
    /// Bit for bit, and only whether there is a difference.
    pub(super) fn exact() -> Rules {
        Rules {
            tolerance: None,
            listed: 1,
            first_only: true,
        }
    }
}
