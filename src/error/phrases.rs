//! Parts of the texts of errors.

use crate::finding::Finding;

/// A digest as hexadecimal digits.
pub(super) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first losses, and how many more there are.
pub(super) fn first_losses(findings: &[Finding]) -> String {
    let losses: Vec<_> = findings.iter().filter(|f| f.outcome.is_loss()).collect();
    let mut text = losses.iter().take(3).map(|f| f.to_string());
    let text = text.by_ref().collect::<Vec<_>>().join("; ");
    match losses.len() {
        0..=3 => text,
        more => format!("{text}; and {} more", more - 3),
    }
}

/// The nearest of the names there are, or all of them.
pub(super) fn known_hint(nearest: &Option<String>, known: &[&str]) -> String {
    match nearest {
        Some(_) => nearest_hint(nearest),
        None => format!("; the options are {}", known.join(", ")),
    }
}

/// A number of arguments: `1 argument`, `1 or 2 arguments`, `0 to 2 arguments`.
pub(super) fn counted(arity: &(usize, usize)) -> String {
    match *arity {
        (0, 0) => "no arguments".to_owned(),
        (1, 1) => "1 argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) if least + 1 == most => {
            format!(
                "{least} or {most} argument{}",
                if most == 1 { "" } else { "s" }
            )
        }
        (least, most) => format!("{least} to {most} arguments"),
    }
}

pub(crate) fn nearest_hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!("; did you mean {}?", crate::name::quoted(name)),
        None => String::new(),
    }
}

/// The first line of what rkyv says about `bytes`: what is wrong; the others are contexts. Places in memory
/// become places in the bytes: where a process keeps them is nobody's business, and differs each time.
pub(crate) fn checking(error: &impl std::fmt::Display, bytes: &[u8]) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let start = bytes.as_ptr().addr() as i128;
    let mut pieces = line.split("0x");
    let mut told = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|c: char| !c.is_ascii_hexdigit());
        let (digits, rest) = piece.split_at(digits.unwrap_or(piece.len()));
        match u64::from_str_radix(digits, 16) {
            Ok(address) => told += &(i128::from(address) - start).to_string(),
            Err(_) => told = told + "0x" + digits,
        }
        told += rest;
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_places() {
        let bytes = [0u8; 32];
        let start = bytes.as_ptr().addr();
        let text = format!(
            "ptr {:#018x} size 40 in range {:#018x}..{:#018x}\nmore {start:#x}",
            start - 8,
            start,
            start + 32
        );
        let told = checking(&text, &bytes);
        assert_eq!(told, "ptr -8 size 40 in range 0..32");
        assert_eq!(checking(&"nothing of 0xyz", &bytes), "nothing of 0xyz");
    }
}
