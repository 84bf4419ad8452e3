//! Two values, down to the leaves: where they differ, and how.

use super::elements;
use super::numbers;
use super::options::Rules;
use super::pairs::{Holder, Met, Pairs, Waiting};
use super::report::{Difference, Mismatch, Summary};
use super::strings;
use crate::error::Result;
use crate::value::walk::{Trail, shortened};
use crate::value::{Function, Record, Tensor, Typed, UserFunction, Value};

/// Differences of one variable.
#[derive(Default)]
pub(super) struct Found {
    pub(super) value: Vec<Difference>,
    pub(super) attributes: Vec<Difference>,
    /// Number of differences of both.
    pub(super) count: u64,
    /// Whether it is a constant, or declared mutable, on one side only.
    pub(super) marks: bool,
}

impl Found {
    pub(super) fn is_same(&self) -> bool {
        self.count == 0 && !self.marks
    }

    pub(super) fn unlisted(&self) -> u64 {
        self.count - (self.value.len() + self.attributes.len()) as u64
    }
}

/// A comparison of variables that may share cells: those of other groups need one of their own.
pub(super) struct Comparison<'r> {
    rules: &'r Rules,
    pub(super) pairs: Pairs,
    found: Found,
    holder: Holder,
    variable: usize,
    in_attributes: bool,
}

impl<'r> Comparison<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        Comparison {
            rules,
            pairs: Pairs::default(),
            found: Found::default(),
            holder: Holder::Variable(0),
            variable: 0,
            in_attributes: false,
        }
    }

    /// Compares the variable of that number, and the contents of the cells it holds that were not
    /// compared yet.
    ///
    /// # Errors
    /// What reading answers; [`crate::EnvError::NestingTooDeep`] beyond 128 levels.
    pub(super) fn variable(
        &mut self,
        number: usize,
        a: (&Value, &Record),
        b: (&Value, &Record),
    ) -> Result<Found> {
        self.found = Found::default();
        self.variable = number;
        self.holder = Holder::Variable(number);
        self.in_attributes = false;
        self.values(a.0, b.0, &Trail::at("", 0))?;
        self.in_attributes = true;
        self.records(a.1, b.1, &Trail::at("", 0))?;
        while let Some(waiting) = self.pairs.waiting.pop_front() {
            self.holder = Holder::Pair(waiting.pair);
            self.in_attributes = waiting.in_attributes;
            // Of each content it is asked anew whether it differs: others may hold it too.
            let before = std::mem::take(&mut self.found.count);
            self.values(&waiting.a, &waiting.b, &Trail::at(&waiting.path, 0))?;
            self.found.count += before;
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// Whether what is asked for is known.
    fn done(&self) -> bool {
        self.rules.first_only && self.found.count > 0
    }

    fn note(&mut self, at: &Trail<'_>, mismatch: Mismatch) {
        self.pairs.differs_in(self.holder);
        self.found.count += 1;
        if self.found.value.len() + self.found.attributes.len() >= self.rules.listed {
            return;
        }
        let path = at.path();
        let list = match self.in_attributes {
            true => &mut self.found.attributes,
            false => &mut self.found.value,
        };
        list.push(Difference { path, mismatch });
    }

    fn values(&mut self, a: &Value, b: &Value, at: &Trail<'_>) -> Result<()> {
        match (a, b) {
            _ if self.done() => Ok(()),
            (Value::Vector(a), Value::Vector(b)) => self.vectors(a, b, at),
            (Value::Record(a), Value::Record(b)) => self.records(a, b, at),
            (Value::Edge(ours), Value::Edge(theirs)) => {
                if (&ours.from, &ours.to, ours.directed)
                    != (&theirs.from, &theirs.to, theirs.directed)
                {
                    self.differ(a, b, at);
                }
                let at = at.field("properties")?;
                self.records(&ours.properties, &theirs.properties, &at)
            }
            (Value::Function(a), Value::Function(b)) => self.functions(a, b, at),
            (Value::Cell(a), Value::Cell(b)) => {
                let contents = || (a.get(), b.get());
                self.shared(a.address(), b.address(), contents, at, "<cell>");
                Ok(())
            }
            (Value::Error(ours), Value::Error(theirs)) => {
                self.texts(&ours.message, &theirs.message, &at.field("message")?);
                let kinds = [&ours.kind, &theirs.kind].map(|kind| kind.clone().map(Value::from));
                self.options(kinds[0].as_ref(), kinds[1].as_ref(), &at.field("kind")?)?;
                let (ours, theirs) = (ours.source.as_ref(), theirs.source.as_ref());
                self.options(ours, theirs, &at.field("source")?)
            }
            (Value::Extension(a), Value::Extension(b)) => {
                self.texts(&a.type_name, &b.type_name, &at.field("type")?);
                self.values(&a.parameters, &b.parameters, &at.field("parameters")?)?;
                self.values(&a.storage, &b.storage, &at.field("storage")?)
            }
            _ => self.leaves(a, b, at),
        }
    }

    /// Values of kinds that hold no others, or of two kinds. Apart, so that what recurses needs
    /// little stack.
    #[inline(never)]
    fn leaves(&mut self, a: &Value, b: &Value, at: &Trail<'_>) -> Result<()> {
        let same = match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => {
                a == b
                    || self
                        .close(|tolerance| numbers::integers((*a).into(), (*b).into(), tolerance))
            }
            (Value::Number(a), Value::Number(b)) => {
                a.to_bits() == b.to_bits()
                    || self.close(|tolerance| numbers::floats(*a, *b, tolerance))
            }
            (Value::Complex(a), Value::Complex(b)) => {
                let bits = |z: &crate::value::Complex128| (z.re.to_bits(), z.im.to_bits());
                bits(a) == bits(b)
                    || self
                        .close(|tolerance| numbers::complex([a.re, a.im], [b.re, b.im], tolerance))
            }
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Tensor(a), Value::Tensor(b)) => return self.tensors(a, b, at),
            (Value::StringArray(a), Value::StringArray(b)) => {
                if a.shape() != b.shape() {
                    let (a, b) = (a.shape().to_vec(), b.shape().to_vec());
                    self.note(at, Mismatch::Shape { a, b });
                } else if let Some(found) = strings::compare(a, b, self.rules.first_only)? {
                    self.note(at, Mismatch::Elements(Box::new(found)));
                }
                return Ok(());
            }
            (Value::Typed(a), Value::Typed(b)) => return self.typed(a, b, at),
            _ => {
                let (a, b) = (a.kind(), b.kind());
                self.note(at, Mismatch::Kind { a, b });
                return Ok(());
            }
        };
        if !same {
            self.differ(a, b, at);
        }
        Ok(())
    }

    fn close(
        &self,
        measure: impl FnOnce(super::options::Tolerance) -> Option<numbers::Distance>,
    ) -> bool {
        self.rules
            .tolerance
            .is_some_and(|tolerance| measure(tolerance).is_none())
    }

    fn differ(&mut self, a: &Value, b: &Value, at: &Trail<'_>) {
        let (a, b) = (a.clone(), b.clone());
        self.note(at, Mismatch::Values { a, b });
    }

    fn texts(&mut self, a: &str, b: &str, at: &Trail<'_>) {
        if a != b {
            let (a, b) = (a.into(), b.into());
            self.note(at, Mismatch::Values { a, b });
        }
    }

    /// Parts that may be missing.
    fn options(&mut self, a: Option<&Value>, b: Option<&Value>, at: &Trail<'_>) -> Result<()> {
        match (a, b) {
            (Some(a), Some(b)) => self.values(a, b, at)?,
            (Some(a), None) => self.note(at, Mismatch::Removed(Summary::of(a))),
            (None, Some(b)) => self.note(at, Mismatch::Added(Summary::of(b))),
            (None, None) => {}
        }
        Ok(())
    }

    fn vectors(&mut self, a: &[Value], b: &[Value], at: &Trail<'_>) -> Result<()> {
        if a.len() != b.len() {
            let (a, b) = (a.len() as u64, b.len() as u64);
            self.note(at, Mismatch::Length { a, b });
        }
        for (index, (a, b)) in a.iter().zip(b).enumerate() {
            if self.done() {
                break;
            }
            self.values(a, b, &at.element(index)?)?;
        }
        Ok(())
    }

    fn records(&mut self, a: &Record, b: &Record, at: &Trail<'_>) -> Result<()> {
        for (name, value) in a.iter() {
            if self.done() {
                return Ok(());
            }
            self.options(Some(value), b.get(name), &at.field(name)?)?;
        }
        for (name, value) in b.iter().filter(|(name, _)| a.get(name).is_none()) {
            self.options(None, Some(value), &at.field(name)?)?;
        }
        if !self.done() && !same_order(a, b) {
            self.note(at, Mismatch::FieldOrder);
        }
        Ok(())
    }

    fn functions(&mut self, a: &Function, b: &Function, at: &Trail<'_>) -> Result<()> {
        match (a, b) {
            (Function::Builtin { name: a }, Function::Builtin { name: b }) if a == b => Ok(()),
            (Function::User(a), Function::User(b)) => self.user_functions(a, b, at),
            _ => {
                let (a, b) = (a.clone().into(), b.clone().into());
                self.note(at, Mismatch::Values { a, b });
                Ok(())
            }
        }
    }

    fn user_functions(&mut self, a: &UserFunction, b: &UserFunction, at: &Trail<'_>) -> Result<()> {
        if (&a.name, &a.parameters) != (&b.name, &b.parameters) {
            let (a, b) = (a.clone().into(), b.clone().into());
            self.note(at, Mismatch::Values { a, b });
        }
        self.texts(&a.source, &b.source, &at.field("source")?);
        self.records(&a.details, &b.details, &at.field("details")?)?;
        match (&a.scope, &b.scope) {
            (Some(a), Some(b)) => {
                let contents = || (a.bindings().into(), b.bindings().into());
                self.shared(a.address(), b.address(), contents, at, "<scope>");
            }
            (None, None) => {}
            (a, b) => {
                let scope = |scope: &crate::value::Scope| Value::from(scope.bindings());
                let (a, b) = (a.as_ref().map(scope), b.as_ref().map(scope));
                self.options(a.as_ref(), b.as_ref(), &at.field("<scope>")?)?;
            }
        }
        Ok(())
    }

    /// Two cells or scopes: their contents are compared once, later.
    #[inline(never)]
    fn shared(
        &mut self,
        a: usize,
        b: usize,
        contents: impl FnOnce() -> (Value, Value),
        at: &Trail<'_>,
        step: &str,
    ) {
        match self.pairs.meet(a, b, self.holder, self.variable) {
            Met::New(pair) => {
                let (a, b) = contents();
                self.pairs.waiting.push_back(Waiting {
                    a,
                    b,
                    path: shortened(format!("{at}{step}")),
                    in_attributes: self.in_attributes,
                    pair,
                });
            }
            Met::Again => {}
            Met::Otherwise => self.note(at, Mismatch::Sharing),
        }
    }

    fn tensors(&mut self, a: &Tensor, b: &Tensor, at: &Trail<'_>) -> Result<()> {
        let before = self.found.count;
        if a.dtype() != b.dtype() {
            let (a, b) = (a.dtype(), b.dtype());
            self.note(at, Mismatch::DType { a, b });
        }
        if a.shape() != b.shape() {
            let (a, b) = (a.shape().to_vec(), b.shape().to_vec());
            self.note(at, Mismatch::Shape { a, b });
        }
        // The elements of vectors stand alike in both orders.
        if a.shape().len() > 1 && a.order() != b.order() {
            let (a, b) = (a.order(), b.order());
            self.note(at, Mismatch::Order { a, b });
        }
        if self.found.count > before {
            return Ok(());
        }
        if self.rules.first_only && self.rules.tolerance.is_none() {
            // The first byte that differs tells all that is asked for.
            if elements::differ(a, b)? {
                let (a, b) = (a.clone().into(), b.clone().into());
                self.note(at, Mismatch::Values { a, b });
            }
            return Ok(());
        }
        if let Some(found) = elements::compare(a, b, self.rules)? {
            self.note(at, Mismatch::Elements(Box::new(found)));
        }
        Ok(())
    }

    fn typed(&mut self, a: &Typed, b: &Typed, at: &Trail<'_>) -> Result<()> {
        self.texts(&a.type_name, &b.type_name, &at.field("type")?);
        let numbers = |typed: &Typed| {
            [
                ("version", i64::from(typed.version)),
                ("alignment", typed.alignment.into()),
                ("fingerprint", typed.fingerprint.cast_signed()),
            ]
        };
        for ((name, a), (_, b)) in numbers(a).into_iter().zip(numbers(b)) {
            if a != b {
                let (a, b) = (a.into(), b.into());
                self.note(&at.field(name)?, Mismatch::Values { a, b });
            }
        }
        let exact = Rules {
            tolerance: None,
            ..*self.rules
        };
        let at = at.field("bytes")?;
        if a.bytes.shape() != b.bytes.shape() {
            return self.tensors(&a.bytes, &b.bytes, &at);
        }
        if let Some(found) = elements::compare(&a.bytes, &b.bytes, &exact)? {
            self.note(&at, Mismatch::Elements(Box::new(found)));
        }
        Ok(())
    }
}

/// Whether the fields that both have stand in one order.
fn same_order(a: &Record, b: &Record) -> bool {
    if a.len() == b.len() && a.names().eq(b.names()) {
        return true;
    }
    let ours = a.names().filter(|name| b.get(name).is_some());
    ours.eq(b.names().filter(|name| a.get(name).is_some()))
}
