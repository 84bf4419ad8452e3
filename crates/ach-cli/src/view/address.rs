//! The address of the page, and the secret in it.

use crate::error::{Failure, Result};
use crate::listing::hex;

/// Bytes of the secret.
const SECRET: usize = 20;

/// Where the page is. Other users of the machine can reach the port; they do not know the secret.
pub(super) struct Address {
    port: u16,
    secret: String,
}

impl Address {
    /// An address with a new secret.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn new(port: u16) -> Result<Address> {
        let mut bytes = [0; SECRET];
        getrandom::fill(&mut bytes)
            .map_err(|e| Failure::refused(format!("no random numbers for the address: {e}")))?;
        Ok(Address {
            port,
            secret: hex(&bytes),
        })
    }

    /// The whole address.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.secret)
    }

    /// Whether a `Host` header names this server. A page of another site that had its name lead here
    /// would send its own.
    pub(super) fn is_host(&self, host: &str) -> bool {
        let port = host
            .strip_prefix("127.0.0.1:")
            .or_else(|| host.strip_prefix("localhost:"));
        port == Some(&self.port.to_string())
    }

    /// Whether an `Origin` header names this server.
    pub(super) fn is_origin(&self, origin: &str) -> bool {
        origin
            .strip_prefix("http://")
            .is_some_and(|host| self.is_host(host))
    }

    /// What follows the secret in a path; `None` when another stands there. How long this takes does
    /// not tell where they differ.
    pub(super) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (given, rest) = path.strip_prefix('/')?.split_once('/')?;
        if given.len() != self.secret.len() {
            return None;
        }
        let pairs = given.bytes().zip(self.secret.bytes());
        let differing = pairs.fold(0, |all, (a, b)| all | (a ^ b));
        (std::hint::black_box(differing) == 0).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_opens() {
        let address = Address::new(7).unwrap();
        let url = address.url();
        let path = url.strip_prefix("http://127.0.0.1:7").unwrap();
        assert_eq!(address.below(path), Some(""));
        assert_eq!(
            address.below(&format!("{path}api/state")),
            Some("api/state")
        );
        assert_eq!(address.below(path.trim_end_matches('/')), None);
        assert_eq!(address.below("/"), None);
        assert_eq!(address.below("//"), None);
        let last = path.replace(&path[path.len() - 2..], "z/");
        assert_eq!(address.below(&last), None);
        assert_ne!(Address::new(7).unwrap().url(), url);
    }

    #[test]
    fn foreign_hosts_are_told_apart() {
        let address = Address::new(80).unwrap();
        assert!(address.is_host("127.0.0.1:80") && address.is_host("localhost:80"));
        for host in [
            "127.0.0.1",
            "127.0.0.1:8",
            "evil.example:80",
            "127.0.0.1:80:80",
            "",
        ] {
            assert!(!address.is_host(host), "{host}");
        }
        assert!(address.is_origin("http://127.0.0.1:80"));
        assert!(!address.is_origin("https://127.0.0.1:80") && !address.is_origin("null"));
    }
}
