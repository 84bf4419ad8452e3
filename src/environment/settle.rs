//! Putting what was restored into an environment: everything that can fail first, then the change,
//! which cannot.

use std::collections::HashSet;
use std::sync::Arc;

use super::functions::FunctionRegistry;
use super::restore::{Arrivals, RestoreReport};
use super::restore_options::{RestoreMode, RestoreOptions};
use super::variables::{Environment, Variable};
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::stack::with_room;
use crate::value::walk::{Trail, Walk};
use crate::value::{Function, Record, Value};

/// Puts arrivals into an environment. Whatever can fail fails before the first change.
pub(super) fn settle(
    environment: &mut Environment,
    arrivals: Arrivals,
    options: &RestoreOptions,
) -> Result<RestoreReport> {
    let Arrivals {
        mut variables,
        mut report,
        placeholders_told,
    } = arrivals;
    let findings = &mut report.findings;
    match &options.namespace {
        Some(name) => refuse_taken(environment, name, options.overwrite)?,
        None => leave_present(environment, &mut variables, options, findings),
    }
    report.bindings = variables.len();
    if placeholders_told {
        // Those of variables that are not taken are nobody's loss.
        let taken: HashSet<&str> = variables.iter().map(|(name, _)| &**name).collect();
        findings.retain(|finding| {
            !finding.outcome.is_loss()
                || finding.path.is_empty()
                || taken.contains(finding.name.as_str())
        });
    }
    let functions = options.functions.as_deref();
    let functions = functions.or(environment.functions.as_deref());
    let look = Look {
        functions,
        in_record: options.namespace.is_some(),
        placeholders: !placeholders_told,
    };
    with_room(|| look.find_losses(&variables, findings))?;
    if options.strict && report.findings.iter().any(|f| f.outcome.is_loss()) {
        return Err(EnvError::Lossy {
            action: "restore",
            path: report.path,
            findings: report.findings,
        });
    }
    if let Some(name) = &options.namespace {
        let record = in_one_record(variables, &mut report.findings);
        variables = vec![(Arc::from(name.as_str()), record)];
    }
    if options.mode == RestoreMode::Replace {
        environment.clear();
    }
    for (name, variable) in variables {
        environment.put(name, variable);
    }
    Ok(report)
}

/// Refuses to put a record in the place of a variable, unless it may be overwritten.
fn refuse_taken(environment: &Environment, name: &str, overwrite: bool) -> Result<()> {
    let name = name.to_owned();
    match environment.variable(&name) {
        Some(taken) if taken.constant => Err(EnvError::Constant { name }),
        Some(_) if !overwrite => Err(EnvError::NameTaken { name }),
        _ => Ok(()),
    }
}

/// Drops the arrivals whose place is taken by a variable that stays, and reports them.
fn leave_present(
    environment: &Environment,
    variables: &mut Vec<(Arc<str>, Variable)>,
    options: &RestoreOptions,
    findings: &mut Vec<Finding>,
) {
    let overwrite = options.overwrite || options.mode == RestoreMode::Replace;
    variables.retain(|(name, arriving)| {
        let Some(present) = environment.variable(name) else {
            return true;
        };
        let reason = match (present.constant, overwrite) {
            (true, _) if is_same_scalar(present, arriving) => return false,
            (true, _) => "it is a constant of this environment",
            (false, true) => return true,
            (false, false) => "the environment has a variable of this name; `overwrite` is off",
        };
        let kind = arriving.value.kind().name();
        findings.push(Finding::new(&**name, kind, Outcome::Kept, reason));
        false
    });
}

/// How losses are looked for.
struct Look<'r> {
    functions: Option<&'r FunctionRegistry>,
    /// The variables become the fields of one record.
    in_record: bool,
    /// Placeholders of what could not be saved are reported.
    placeholders: bool,
}

impl Look<'_> {
    /// Resolves functions, and reports those that cannot be, and placeholders.
    fn find_losses(
        &self,
        variables: &[(Arc<str>, Variable)],
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        // The record is a level more: what would be too deep in it could never be saved again.
        let mut walk = Walk::below(usize::from(self.in_record));
        for (name, variable) in variables {
            let mut visit = |value: &Value, trail: &Trail<'_>| {
                if let Some((kind, outcome, reason)) = self.loss(value) {
                    let finding = Finding::new(&**name, kind, outcome, reason);
                    findings.push(finding.at(trail.path()));
                }
                Ok(())
            };
            let mut look = || {
                walk.value(&variable.value, "", &mut visit)?;
                if !self.in_record && !variable.attributes.is_empty() {
                    let attributes = Value::Record(variable.attributes.clone());
                    walk.value(&attributes, "<attributes>", &mut visit)?;
                }
                walk.shared(&mut |_, _| (), &mut visit)
            };
            look().map_err(|e| e.of_variable(name))?;
        }
        Ok(())
    }

    /// What is lost in a part of a value, if something is. A function is resolved.
    fn loss<'v>(&self, value: &'v Value) -> Option<(&'v str, Outcome, String)> {
        match value {
            Value::Extension(extension) if self.placeholders => {
                let (kind, reason) = extension.as_unsupported()?;
                Some((kind, Outcome::Lost, reason.to_owned()))
            }
            Value::Function(callable) => {
                let (outcome, reason) = match self.functions {
                    Some(registry) => (Outcome::Unresolved, registry.resolve(callable).err()?),
                    None if callable.is_resolved() => return None,
                    // Whoever has no functions to call misses none.
                    None => (Outcome::Warning, NO_REGISTRY.to_owned()),
                };
                Some(("function", outcome, reason))
            }
            _ => None,
        }
    }
}

impl Environment {
    /// Makes the functions in a loaded value callable where the host can; the others stay data.
    pub(super) fn resolve_functions(&self, value: &Value) -> Result<()> {
        if self.functions.is_none() {
            return Ok(());
        }
        let look = Look {
            functions: self.functions.as_deref(),
            in_record: false,
            placeholders: false,
        };
        let loaded = [(Arc::from(""), Variable::new(value.clone()))];
        with_room(|| look.find_losses(&loaded, &mut Vec::new()))
    }
}

const NO_REGISTRY: &str = "only as data: the restore was given no functions of a host";

/// One record of all variables. Attributes and marks, which a field has not, are reported.
pub(super) fn in_one_record(
    variables: Vec<(Arc<str>, Variable)>,
    findings: &mut Vec<Finding>,
) -> Variable {
    let fields = variables.into_iter().map(|(name, variable)| {
        let left_behind = [
            (!variable.attributes.is_empty(), "its attributes"),
            (variable.mutable, "its mark as mutable"),
            (variable.constant, "its mark as a constant"),
        ];
        let left_behind = left_behind.iter().filter(|(there, _)| *there);
        let left_behind: Vec<&str> = left_behind.map(|(_, what)| *what).collect();
        if !left_behind.is_empty() {
            let left_behind = left_behind.join(" and ");
            let reason = format!("without {left_behind}: a field of a record has none");
            let kind = variable.value.kind().name();
            findings.push(Finding::new(&*name, kind, Outcome::Warning, reason));
        }
        (name, variable.value)
    });
    Variable::new(fields.collect::<Record>())
}

/// Whether both are the same value, of the kinds that are compared without reading a file.
pub(super) fn is_same_scalar(a: &Variable, b: &Variable) -> bool {
    holds_no_arrays(&a.value, 0) && a.value.identical(&b.value).unwrap_or(false)
}

/// Whether there is no array data anywhere in the value; a deep one may have some.
fn holds_no_arrays(value: &Value, depth: usize) -> bool {
    let below = |value: &Value| holds_no_arrays(value, depth + 1);
    match value {
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => true,
        Value::Complex(_) | Value::String(_) | Value::Bytes(_) => true,
        Value::Vector(elements) => depth < 8 && elements.iter().all(below),
        Value::Record(record) => depth < 8 && record.iter().all(|(_, value)| below(value)),
        Value::Function(callable) => matches!(&**callable, Function::Builtin { .. }),
        _ => false,
    }
}
