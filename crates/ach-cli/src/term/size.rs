//! Sizes for people: `4.0 KiB`.

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// How sizes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// One decimal and a unit: `4.0 KiB`.
    #[default]
    Short,
    /// Bytes as plain digits, for `--bytes`: `4096`.
    Exact,
}

impl Sizes {
    /// `bytes` as text.
    pub(crate) fn text(self, bytes: u64) -> String {
        match self {
            Sizes::Short => short(bytes),
            Sizes::Exact => bytes.to_string(),
        }
    }
}

/// `bytes` with one decimal: `0 B`, `1023 B`, `4.0 KiB`, `64.0 MiB`.
pub(crate) fn short(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 1024u128;
    let mut name = UNITS[0];
    for next in &UNITS[1..] {
        // 1023.95 of a unit would be shown as 1024.0: that is 1.0 of the next.
        if tenths(bytes, unit) < 10_240 {
            break;
        }
        unit *= 1024;
        name = next;
    }
    let tenths = tenths(bytes, unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

fn tenths(bytes: u64, unit: u128) -> u128 {
    (u128::from(bytes) * 10 + unit / 2) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_and_the_right_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (4096, "4.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1024 * 1024 - 52, "1023.9 KiB"),
            (64 << 20, "64.0 MiB"),
            (20 << 30, "20.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(short(bytes), text, "{bytes}");
        }
        assert_eq!(Sizes::Exact.text(4096), "4096");
    }
}
