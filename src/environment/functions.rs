//! Functions come back through the host: builtins by name, a user's by their source.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::value::{Callable, Function, Handle, UserFunction};

/// Compiles a user's function, or says why it cannot.
type Compile = dyn Fn(&UserFunction) -> Result<Handle, String> + Send + Sync;

/// What a host can call: its builtins by name, and a compiler for its users' functions.
///
/// A restore with a registry gives every function the handle the host calls it by
/// ([`Callable::handle`]). A function that cannot be resolved stays as data, is saved again
/// unchanged, and is reported.
///
/// ```
/// use achronyme_env::FunctionRegistry;
/// use std::sync::Arc;
///
/// type Native = fn(f64) -> f64;
/// let registry = FunctionRegistry::new()
///     .builtin("sin", Arc::new(f64::sin as Native))
///     .compile(|function| match function.source.parse::<f64>() {
///         Ok(constant) => Ok(Arc::new(constant)),
///         Err(error) => Err(error.to_string()),
///     });
/// # let _ = registry;
/// ```
#[derive(Default)]
pub struct FunctionRegistry {
    builtins: HashMap<Arc<str>, Handle>,
    compile: Option<Box<Compile>>,
}

impl FunctionRegistry {
    /// A registry that resolves nothing.
    pub fn new() -> FunctionRegistry {
        FunctionRegistry::default()
    }

    /// Adds a builtin function.
    pub fn builtin(mut self, name: impl Into<Arc<str>>, handle: Handle) -> Self {
        self.builtins.insert(name.into(), handle);
        self
    }

    /// Sets the compiler of users' functions. It is called after everything is restored, so the
    /// captured scope is complete, and may hold the function itself.
    pub fn compile(
        mut self,
        compile: impl Fn(&UserFunction) -> Result<Handle, String> + Send + Sync + 'static,
    ) -> Self {
        self.compile = Some(Box::new(compile));
        self
    }

    /// Resolves one function, unless it is.
    ///
    /// # Errors
    /// Why it cannot be resolved.
    pub fn resolve(&self, callable: &Callable) -> Result<(), String> {
        if callable.is_resolved() {
            return Ok(());
        }
        let handle = match callable.function() {
            Function::Builtin { name } => match self.builtins.get(name) {
                Some(handle) => Arc::clone(handle),
                None => return Err(self.no_builtin(name)),
            },
            Function::User(user) => match &self.compile {
                Some(compile) => compile(user)?,
                None => return Err("this host compiles no functions".to_owned()),
            },
        };
        callable.resolve(handle);
        Ok(())
    }

    fn no_builtin(&self, name: &str) -> String {
        let names = self.builtins.keys().map(|name| &**name);
        match crate::name::nearest(name, names) {
            Some(near) => format!(
                "this host has no builtin {}; the nearest is {}",
                crate::name::quoted(name),
                crate::name::quoted(&near)
            ),
            None => format!("this host has no builtin {}", crate::name::quoted(name)),
        }
    }
}

impl fmt::Debug for FunctionRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionRegistry")
            .field("builtins", &self.builtins.len())
            .field("compiles", &self.compile.is_some())
            .finish()
    }
}
