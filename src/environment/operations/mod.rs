//! What a language offers its users, as a table that its host registers.

mod arguments;
mod files;
mod snapshots;
mod variables;

use std::fmt;

use super::variables::Environment;
use crate::error::{EnvError, Result};
use crate::value::Value;

/// An operation on the environment that a host offers to the users of its language.
///
/// ```
/// use achronyme_env::{operations, Environment, Value};
///
/// let mut env = Environment::new();
/// let set = operations().iter().find(|operation| operation.name == "env_set").unwrap();
/// set.call(&mut env, &["rate".into(), 0.1.into()])?;
/// assert_eq!(env.get("rate").and_then(Value::as_f64), Some(0.1));
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Operation {
    /// The name users call it by.
    pub name: &'static str,
    /// Fewest and most arguments it takes.
    pub arity: (usize, usize),
    /// How it is called, and after a colon what it does: one or two sentences, for `help`.
    pub doc: &'static str,
    run: fn(&mut Environment, &Arguments<'_>) -> Result<Value>,
}

/// The arguments of a call, of which there are as many as the operation takes.
pub(super) struct Arguments<'a> {
    signature: &'static str,
    values: &'a [Value],
}

/// Every operation, in the order in which a manual tells them.
///
/// Paths of files are used as they are given, relative to the working directory of the process:
/// `~` is not expanded. `docs/operations.md` shows each operation with an example.
pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "env_bindings",
        arity: (0, 1),
        doc: "env_bindings([pattern]): the names of the variables, in the order they were \
              defined; with a pattern such as `w*`, those that match it.",
        run: variables::bindings,
    },
    Operation {
        name: "env_get",
        arity: (1, 2),
        doc: "env_get(name[, default]): the value of a variable, or a part of one by a path such \
              as `model.layers[2]` or `data[1:3, :]`. Where there is no such variable or part, \
              the default; without one, an error.",
        run: variables::get,
    },
    Operation {
        name: "env_set",
        arity: (2, 2),
        doc: "env_set(name, value): sets a variable, defines it when there is none, and gives its \
              old value or null. The name is taken as it is, dots included; constants are \
              refused.",
        run: variables::set,
    },
    Operation {
        name: "env_remove",
        arity: (1, 1),
        doc: "env_remove(name): removes a variable and gives its value. An unknown name is an \
              error, and so is a constant.",
        run: variables::remove,
    },
    Operation {
        name: "env_clear",
        arity: (1, 1),
        doc: "env_clear(confirm): removes all variables but the constants, and gives how many; \
              confirm must be true.",
        run: variables::clear,
    },
    Operation {
        name: "env_info",
        arity: (0, 1),
        doc: "env_info([path]): what a saved environment says about itself, without loading it: \
              version, counts, size, description, tags, names. Without a path, counts and names \
              of the variables here.",
        run: files::info,
    },
    Operation {
        name: "env_load_var",
        arity: (2, 2),
        doc: "env_load_var(path, name): one variable of a saved environment, or a part of one by \
              a path such as `model.layers[2]`; the others are not read.",
        run: files::load_var,
    },
    Operation {
        name: "env_load_vars",
        arity: (2, 2),
        doc: "env_load_vars(path, names): several variables of a saved environment as a record; \
              cells that two of them share are shared again.",
        run: files::load_vars,
    },
    Operation {
        name: "save_env",
        arity: (1, 2),
        doc: "save_env(path[, options]): saves all variables to a file, wholly or not at all, and \
              gives a report with everything that was left out or lost. The options may hold the \
              path too: save_env({path: ...}).",
        run: files::save,
    },
    Operation {
        name: "restore_env",
        arity: (1, 2),
        doc: "restore_env(path[, options]): restores a saved environment into this one, wholly or \
              not at all, and gives a report with everything that was left out, kept or lost. The \
              options may hold the path too: restore_env({path: ...}).",
        run: files::restore,
    },
    Operation {
        name: "snapshot_env",
        arity: (0, 1),
        doc: "snapshot_env([name]): keeps the state of the session, contents of cells included, \
              under a name, in the place of an older one of that name; without one, under \
              `snapshot_1` and so on. Gives the name.",
        run: snapshots::keep,
    },
    Operation {
        name: "restore_snapshot",
        arity: (1, 1),
        doc: "restore_snapshot(name): goes back to a kept state, and gives how many variables \
              there are now. The state stays kept.",
        run: snapshots::restore,
    },
    Operation {
        name: "env_snapshots",
        arity: (0, 0),
        doc: "env_snapshots(): the names of the kept states, in the order in which the names were \
              first used.",
        run: snapshots::list,
    },
    Operation {
        name: "drop_snapshot",
        arity: (1, 1),
        doc: "drop_snapshot(name): forgets a kept state and gives back the memory that only it \
              held; gives how many states are left.",
        run: snapshots::drop,
    },
];

impl Operation {
    /// How it is called, as its documentation begins: `env_get(name[, default])`.
    pub fn signature(&self) -> &'static str {
        self.doc
            .split_once(": ")
            .map_or(self.name, |(signature, _)| signature)
    }

    /// Calls it. An error leaves the environment as it was.
    ///
    /// # Errors
    /// [`EnvError::WrongArity`] and [`EnvError::WrongArgument`], which show how it is called; what
    /// the operation answers.
    pub fn call(&self, environment: &mut Environment, arguments: &[Value]) -> Result<Value> {
        let (least, most) = self.arity;
        if !(least..=most).contains(&arguments.len()) {
            return Err(EnvError::WrongArity {
                operation: self.name,
                signature: self.signature(),
                arity: self.arity,
                found: arguments.len(),
            });
        }
        let arguments = Arguments {
            signature: self.signature(),
            values: arguments,
        };
        (self.run)(environment, &arguments)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({})", self.signature())
    }
}
