//! The bytes of a tensor, piece by piece through bounded memory: as they are stored, or row by row.

use achronyme_env::{EnvError, Order, Tensor};

/// Bytes handed out at once. A multiple of every element size.
pub(crate) const PIECE_BYTES: usize = 1 << 20;

/// Memory for turning a column-major tensor into rows; above it elements are read one by one.
const TILE_BYTES: u64 = 16 << 20;

/// Calls `visit` with the bytes of all elements in the order they are stored in.
///
/// # Errors
/// What reading and `visit` answer.
pub(crate) fn stored<E: From<EnvError>>(
    tensor: &Tensor,
    mut visit: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let total = tensor.byte_len();
    let mut buffer = vec![0; total.min(PIECE_BYTES as u64) as usize];
    let mut start = 0;
    while start < total {
        let length = (total - start).min(PIECE_BYTES as u64);
        let piece = &mut buffer[..length as usize];
        tensor.read_at(start, piece)?;
        visit(piece)?;
        start += length;
    }
    Ok(())
}

/// Calls `visit` with the bytes of all elements in C order, whatever order they are stored in.
///
/// # Errors
/// What reading and `visit` answer.
pub(crate) fn row_major<E: From<EnvError>>(
    tensor: &Tensor,
    visit: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    if is_row_major(tensor) {
        return stored(tensor, visit);
    }
    Transposition::new(tensor, visit).run(TILE_BYTES)
}

/// Whether the stored order is C order: a vector is in both.
pub(crate) fn is_row_major(tensor: &Tensor) -> bool {
    tensor.order() == Order::C || tensor.shape().len() < 2 || tensor.is_empty()
}

/// A column-major tensor on its way to rows.
struct Transposition<'a, F> {
    tensor: &'a Tensor,
    /// Elements along the first axis, which lie side by side.
    rows: u64,
    /// Elements with one index on the first axis.
    columns: u64,
    size: usize,
    out: Vec<u8>,
    visit: F,
}

impl<'a, E: From<EnvError>, F: FnMut(&[u8]) -> Result<(), E>> Transposition<'a, F> {
    fn new(tensor: &'a Tensor, visit: F) -> Self {
        let rows = tensor.shape().first().copied().unwrap_or(1).max(1);
        Transposition {
            tensor,
            rows,
            columns: tensor.len() / rows,
            size: tensor.dtype().size(),
            out: Vec::with_capacity(tensor.byte_len().min(PIECE_BYTES as u64) as usize),
            visit,
        }
    }

    fn run(mut self, tile_bytes: u64) -> Result<(), E> {
        let size = self.size as u64;
        let row_bytes = self.columns * size;
        if row_bytes > tile_bytes {
            self.one_by_one()?;
        } else {
            let tile = (tile_bytes / row_bytes).min(self.rows);
            let mut memory = vec![0; (tile * row_bytes) as usize];
            let mut first = 0;
            while first < self.rows {
                let rows = tile.min(self.rows - first);
                self.tile(first, rows, &mut memory)?;
                first += rows;
            }
        }
        if self.out.is_empty() {
            return Ok(());
        }
        (self.visit)(&self.out)
    }

    /// Reads `rows` rows from `first` on, a run of each column at a time, and hands them out.
    fn tile(&mut self, first: u64, rows: u64, memory: &mut [u8]) -> Result<(), E> {
        let run = rows as usize * self.size;
        for (column, memory) in (0..self.columns).zip(memory.chunks_exact_mut(run)) {
            let start = (column * self.rows + first) * self.size as u64;
            self.tensor.read_at(start, memory)?;
        }
        for row in 0..rows as usize {
            let mut odometer = Odometer::new(self.tensor.shape());
            for _ in 0..self.columns {
                let start = odometer.column as usize * run + row * self.size;
                self.push(&memory[start..start + self.size])?;
                odometer.advance();
            }
        }
        Ok(())
    }

    fn one_by_one(&mut self) -> Result<(), E> {
        let mut element = vec![0; self.size];
        for row in 0..self.rows {
            let mut odometer = Odometer::new(self.tensor.shape());
            for _ in 0..self.columns {
                let start = (odometer.column * self.rows + row) * self.size as u64;
                self.tensor.read_at(start, &mut element)?;
                self.push(&element)?;
                odometer.advance();
            }
        }
        Ok(())
    }

    fn push(&mut self, element: &[u8]) -> Result<(), E> {
        self.out.extend_from_slice(element);
        if self.out.len() + self.size > PIECE_BYTES {
            (self.visit)(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }
}

/// Counts the axes after the first in C order and knows which stored column each index is.
struct Odometer<'a> {
    lengths: &'a [u64],
    index: Vec<u64>,
    column: u64,
}

impl<'a> Odometer<'a> {
    fn new(shape: &'a [u64]) -> Self {
        let lengths = shape.get(1..).unwrap_or_default();
        Odometer {
            lengths,
            index: vec![0; lengths.len()],
            column: 0,
        }
    }

    fn advance(&mut self) {
        let mut stride: u64 = self.lengths.iter().product();
        for (index, length) in self.index.iter_mut().zip(self.lengths).rev() {
            stride /= length;
            *index += 1;
            self.column += stride;
            if *index < *length {
                return;
            }
            self.column -= stride * length;
            *index = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(tensor: &Tensor) -> Vec<u8> {
        let mut bytes = Vec::new();
        row_major::<EnvError>(tensor, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
        bytes
    }

    /// A Fortran tensor whose element at each index is its number in C order.
    fn numbered(shape: [u64; 3]) -> Tensor {
        let [a, b, c] = shape;
        let mut stored = Vec::new();
        for k in 0..c {
            for j in 0..b {
                for i in 0..a {
                    stored.push(((i * b + j) * c + k) as u8);
                }
            }
        }
        Tensor::from_vec_in_order(stored, shape, Order::Fortran).unwrap()
    }

    #[test]
    fn fortran_order_comes_out_row_by_row() {
        let tensor = numbered([3, 4, 5]);
        assert_eq!(collected(&tensor), (0..60).collect::<Vec<u8>>());
    }

    #[test]
    fn every_size_of_tile_gives_the_same_rows() {
        let tensor = numbered([7, 2, 3]);
        for tile in [0, 5, 6, 7, 12, 13, 1000] {
            let mut bytes = Vec::new();
            let collect = |piece: &[u8]| {
                bytes.extend_from_slice(piece);
                Ok::<(), EnvError>(())
            };
            Transposition::new(&tensor, collect).run(tile).unwrap();
            assert_eq!(bytes, (0..42).collect::<Vec<u8>>(), "tile of {tile} bytes");
        }
    }

    #[test]
    fn pieces_are_bounded_and_whole_elements() {
        let tensor = Tensor::from_vec(vec![1u32; 300_000], [300_000]).unwrap();
        let mut lengths = Vec::new();
        stored::<EnvError>(&tensor, |piece| {
            lengths.push(piece.len());
            Ok(())
        })
        .unwrap();
        assert_eq!(lengths, [PIECE_BYTES, 1_200_000 - PIECE_BYTES]);
    }

    #[test]
    fn an_empty_tensor_has_no_pieces() {
        let tensor =
            Tensor::from_vec_in_order(Vec::<f64>::new(), [0, 1 << 40], Order::Fortran).unwrap();
        assert!(collected(&tensor).is_empty());
    }
}
