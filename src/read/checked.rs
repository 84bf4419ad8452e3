//! Checking all of one binding.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use super::binding::{Binding, Root};
use crate::error::Result;
use crate::format::NONE;
use crate::format::records::{Slot, TensorSlot};
use crate::stack::with_room;

/// Extents that were compared with their sums and digests, by store and number: what several bindings
/// share need not be read for each.
#[derive(Debug, Default)]
pub(crate) struct Checked(HashSet<(usize, u32)>);

impl Binding<'_> {
    pub(crate) fn verify(&self) -> Result<()> {
        self.verify_beside(&mut Checked::default())
    }

    /// As [`Binding::verify`], but for what is in `checked`; adds to that what is right.
    pub(crate) fn verify_beside(&self, checked: &mut Checked) -> Result<()> {
        self.verify_parts(true, true, checked)
    }

    /// As [`Binding::verify`], of the attributes alone.
    pub(crate) fn verify_attributes(&self) -> Result<()> {
        self.verify_parts(true, false, &mut Checked::default())
    }

    /// As [`Binding::verify`], without the attributes.
    pub(crate) fn verify_value(&self) -> Result<()> {
        self.verify_parts(false, true, &mut Checked::default())
    }

    fn verify_parts(&self, attributes: bool, value: bool, checked: &mut Checked) -> Result<()> {
        let root = self.root_of_attributes()?;
        let store = root.store;
        let of_store = Arc::as_ptr(store) as usize;
        let checked = RefCell::new(&mut checked.0);
        let check_extent = |number: u32| {
            if checked.borrow().contains(&(of_store, number)) {
                return Ok(());
            }
            store.check_extent(number)?;
            super::verify::check_digest(store, number, &mut |_| {})?;
            checked.borrow_mut().insert((of_store, number));
            Ok(())
        };
        let check_node = |node: u32| {
            let parts = super::parts::below(store, node)?;
            for number in parts.nodes {
                store.checked_node(number, true)?;
            }
            parts.extents.into_iter().try_for_each(check_extent)?;
            let slot = Slot::Node(node);
            self.load(Root { slot, ..root }).map(drop)
        };
        let check = || -> Result<()> {
            if let Some(node) = root.attributes.filter(|_| attributes) {
                check_node(node)?;
            }
            if !value {
                return Ok(());
            }
            match self.root()?.slot {
                Slot::Tensor(TensorSlot { extent: NONE, .. }) => Ok(()),
                Slot::Tensor(tensor) => check_extent(tensor.extent),
                Slot::Node(node) => check_node(node),
                _ => Ok(()),
            }
        };
        with_room(check).map_err(|e| e.of_variable(self.name()))
    }
}
