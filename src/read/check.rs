//! When what is read is checked.

/// When array data and nodes are checked against their sums.
///
/// Header and table are always checked at open, and the structure of a node when it is first
/// touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// On first touch. A borrow of a whole tensor above 64 MiB on a map is handed out at once and
    /// stays unchecked; elements, slices and copies always check their blocks.
    #[default]
    Auto,
    /// On first touch, whatever the size.
    Always,
    /// Everything at open, which then reads the whole file.
    AtOpen,
    /// Never. Damage gives wrong numbers.
    Never,
}

/// `true` is [`Check::AtOpen`], `false` is [`Check::Never`].
impl From<bool> for Check {
    fn from(check: bool) -> Self {
        match check {
            true => Check::AtOpen,
            false => Check::Never,
        }
    }
}
