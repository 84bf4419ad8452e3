//! Values of a workspace, one after the other in an order that is known ahead: those that share
//! cells are loaded together, the others in batches.

use std::collections::HashMap;

use super::groups::Groups;
use super::workspace::{Content, Side};
use crate::error::Result;
use crate::value::{Record, Value};

/// Hands out each variable of an order once.
pub(super) struct Loading<'l, 'w> {
    side: &'l Side<'w>,
    groups: &'l Groups,
    /// Place of each wanted variable in the order.
    places: HashMap<usize, usize>,
    order: &'l [usize],
    ready: HashMap<usize, (Value, Record)>,
}

impl<'l, 'w> Loading<'l, 'w> {
    pub(super) fn new(side: &'l Side<'w>, groups: &'l Groups, order: &'l [usize]) -> Self {
        let places = match groups.is_empty() {
            true => HashMap::new(),
            false => order.iter().enumerate().map(|(at, v)| (*v, at)).collect(),
        };
        Loading {
            side,
            groups,
            places,
            order,
            ready: HashMap::new(),
        }
    }

    /// Value and attributes of the variable at `place` of the order.
    ///
    /// # Errors
    /// What reading answers, with the name of a variable.
    pub(super) fn take(&mut self, place: usize) -> Result<(Value, Record)> {
        let Some(variable) = self.order.get(place).copied() else {
            return Ok(Default::default());
        };
        if let Some(ready) = self.ready.remove(&variable) {
            return Ok(ready);
        }
        let wanted: Vec<usize> = match self.groups.around(variable) {
            Some(members) => {
                let wanted = members.iter().filter(|v| self.places.contains_key(v));
                wanted.copied().collect()
            }
            None => self.batch_from(place)?,
        };
        let loaded = self.side.load(&wanted)?;
        self.ready.extend(wanted.into_iter().zip(loaded));
        Ok(self.ready.remove(&variable).unwrap_or_default())
    }

    /// The variable at `place`; when it is structured, with those among the next that are too and
    /// share with nobody.
    fn batch_from(&self, place: usize) -> Result<Vec<usize>> {
        let mut batch = Vec::new();
        for variable in self.order.iter().skip(place).take(self.side.batch()) {
            let head = self.side.head(*variable)?;
            let structured = head.has_attributes || matches!(head.content, Content::Structured);
            let alone = self.groups.around(*variable).is_none();
            if structured && alone && !self.ready.contains_key(variable) {
                batch.push(*variable);
            } else if batch.is_empty() {
                // A tensor by itself is not read to be loaded.
                return Ok(vec![*variable]);
            }
        }
        Ok(batch)
    }
}
