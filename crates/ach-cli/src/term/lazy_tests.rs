//! Large tensors are looked at without being loaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use achronyme_env::{DType, EnvError, Order, Record, Storage, Tensor, Value};

use super::json;
use super::statistics::statistics;
use super::text::tests::shown;

/// Bytes that are nowhere: each element is its own number. Counts what is read, refuses to load.
#[derive(Debug)]
struct Fabricated {
    elements: u64,
    read: Arc<AtomicU64>,
    most: Arc<AtomicU64>,
}

impl Storage for Fabricated {
    fn byte_len(&self) -> u64 {
        self.elements * 8
    }

    fn range(&self, _: u64, _: u64) -> Result<&[u8], EnvError> {
        panic!("a whole tensor was asked for");
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<(), EnvError> {
        assert!(start.is_multiple_of(8) && out.len().is_multiple_of(8));
        self.read.fetch_add(out.len() as u64, Ordering::Relaxed);
        self.most.fetch_max(out.len() as u64, Ordering::Relaxed);
        for (index, element) in (start / 8..).zip(out.chunks_exact_mut(8)) {
            element.copy_from_slice(&(index as i64).to_le_bytes());
        }
        Ok(())
    }
}

/// A tensor of `shape`, how many bytes of it were read, and the most in one go.
fn fabricated(shape: &[u64], order: Order) -> (Tensor, Arc<AtomicU64>, Arc<AtomicU64>) {
    let storage = Fabricated {
        elements: shape.iter().product(),
        read: Arc::default(),
        most: Arc::default(),
    };
    let (read, most) = (Arc::clone(&storage.read), Arc::clone(&storage.most));
    let tensor = Tensor::from_storage(DType::I64, shape, order, Arc::new(storage)).unwrap();
    (tensor, read, most)
}

#[test]
fn only_the_edges_of_a_large_tensor_are_read() {
    for order in [Order::C, Order::Fortran] {
        let (tensor, read, _) = fabricated(&[50_000, 51_200], order);
        let text = shown(tensor.clone());
        let head = "int64 (50000, 51200)  19.1 GiB";
        assert!(text.starts_with(head), "{text}");
        assert!(text.ends_with(" 2559999999]]\n"), "{text}");
        assert_eq!(read.load(Ordering::Relaxed), 36 * 8);

        shown(Record::from([("a", tensor)]));
        assert_eq!(read.load(Ordering::Relaxed), 36 * 8);
    }
    let (tensor, read, _) = fabricated(&[1 << 40], Order::C);
    let text = shown(Value::vector([tensor]));
    assert!(text.contains("8.0 TiB"), "{text}");
    assert_eq!(read.load(Ordering::Relaxed), 6 * 8);
}

#[test]
fn statistics_and_json_go_through_bounded_memory() {
    let (tensor, read, most) = fabricated(&[1 << 20], Order::C);
    let found = statistics(&tensor).unwrap().unwrap();
    assert_eq!(found.mean, 524_287.5);
    assert_eq!(read.load(Ordering::Relaxed), 8 << 20);
    json::write(&tensor.into(), &mut std::io::sink()).unwrap();
    assert_eq!(most.load(Ordering::Relaxed), 1 << 20);
}
