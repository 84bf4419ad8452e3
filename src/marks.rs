//! What is noted of places inside a value while it is saved or made a host's: parts that are not
//! carried over, and the host's cells and scopes. A mark begins with an empty path, and each level on the way out puts
//! its step before it: so a value without marks costs nothing.

use std::collections::HashMap;

use crate::finding::{Finding, Outcome};

/// Cells and scopes that a path names; of a longer way, the beginning is left out.
const MAX_NAMED_CELLS: usize = 16;

/// The marks of the value or content under way, and what is known of those before.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    open: Vec<Mark>,
    /// Where cells and scopes of the binding under way were met first.
    routes: HashMap<u32, Route>,
    findings: Vec<Finding>,
}

#[derive(Debug)]
struct Mark {
    path: String,
    subject: Subject,
}

#[derive(Debug)]
enum Subject {
    Finding {
        kind: String,
        outcome: Outcome,
        reason: String,
    },
    Shared {
        number: u32,
        is_scope: bool,
    },
}

#[derive(Debug)]
struct Route {
    /// The cell or scope in whose content this one was met; none for the binding's value.
    parent: Option<u32>,
    path: Box<str>,
}

impl Marks {
    /// Forgets what belonged to the binding before.
    pub(crate) fn begin(&mut self) {
        self.open.clear();
        self.routes.clear();
        self.findings.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Puts a step before the paths of the marks made since there were `from`.
    pub(crate) fn step(&mut self, from: usize, step: impl FnOnce() -> String) {
        if self.open.len() == from {
            return;
        }
        let step = step();
        for mark in &mut self.open[from..] {
            mark.path.insert_str(0, &step);
        }
    }

    pub(crate) fn finding(&mut self, kind: &str, outcome: Outcome, reason: &str) {
        self.open.push(Mark {
            path: String::new(),
            subject: Subject::Finding {
                kind: kind.to_owned(),
                outcome,
                reason: reason.to_owned(),
            },
        });
    }

    pub(crate) fn shared(&mut self, number: u32, is_scope: bool) {
        self.open.push(Mark {
            path: String::new(),
            subject: Subject::Shared { number, is_scope },
        });
    }

    /// Ends the value, or the content of the cell or scope `parent`: its marks know their whole
    /// path now.
    pub(crate) fn settle(&mut self, parent: Option<u32>) {
        for mark in std::mem::take(&mut self.open) {
            match mark.subject {
                Subject::Finding {
                    kind,
                    outcome,
                    reason,
                } => {
                    let path = self.route(parent) + &mark.path;
                    let finding = Finding::new("", kind, outcome, reason);
                    self.findings.push(finding.at(path));
                }
                Subject::Shared { number, is_scope } => {
                    let into = if is_scope { "<scope>" } else { "<cell>" };
                    let path = (mark.path + into).into();
                    self.routes.insert(number, Route { parent, path });
                }
            }
        }
    }

    /// The way from the binding's value to the content of a cell or scope: `.f<scope>.n<cell>`.
    pub(crate) fn route(&self, mut number: Option<u32>) -> String {
        let mut parts = Vec::new();
        while let Some(route) = number.and_then(|number| self.routes.get(&number)) {
            if parts.len() == MAX_NAMED_CELLS {
                parts.push("...");
                break;
            }
            parts.push(&route.path);
            number = route.parent;
        }
        parts.into_iter().rev().collect()
    }

    /// The findings of the binding under way, which is `name`.
    pub(crate) fn take_findings(&mut self, name: &str) -> impl Iterator<Item = Finding> {
        let findings = std::mem::take(&mut self.findings).into_iter();
        findings.map(move |finding| Finding {
            name: name.to_owned(),
            ..finding
        })
    }
}
