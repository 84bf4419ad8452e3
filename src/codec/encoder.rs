//! Encoding into memory that is used again.

use std::sync::Arc;

use super::Codec;
use crate::error::Result;
use crate::pool::{BufferPool, PooledBuffer};
use crate::statistics::EncodingStatistics;
use crate::value::Value;

/// Encodes values into buffers of a pool, whose room it takes from what values of the same type took
/// before: most are encoded without taking or copying memory.
///
/// ```
/// use achronyme_env::codec::{Encoder, Rkyv};
/// use achronyme_env::{BufferPool, Value};
///
/// let encoder = Encoder::new(Rkyv, BufferPool::new(1 << 20));
/// for step in 0..100 {
///     let bytes = encoder.encode("step", &Value::vector([step; 1000]))?;
///     assert!(bytes.len() > 1000);
/// }
/// let counts = encoder.pool().counts();
/// assert!(counts.made <= 4 && encoder.statistics().get("step").unwrap().count == 100);
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Encoder {
    codec: Arc<dyn Codec>,
    pool: BufferPool,
    statistics: EncodingStatistics,
}

impl Encoder {
    /// An encoder with statistics of its own.
    pub fn new(codec: impl Codec + 'static, pool: BufferPool) -> Encoder {
        Encoder {
            codec: Arc::new(codec),
            pool,
            statistics: EncodingStatistics::new(),
        }
    }

    /// Shares statistics with others.
    pub fn with_statistics(mut self, statistics: EncodingStatistics) -> Encoder {
        self.statistics = statistics;
        self
    }

    /// The value as bytes; `type_name` is what its like is known by.
    ///
    /// # Errors
    /// As [`Codec::encode`]; [`EnvError::PoolExhausted`](crate::EnvError::PoolExhausted).
    pub fn encode(&self, type_name: &str, value: &Value) -> Result<PooledBuffer> {
        let room = self.statistics.room_for(type_name);
        // A guess: a pool without so much may still have what this value takes.
        let mut buffer = self.pool.take(room).or_else(|_| self.pool.take(0))?;
        self.codec.encode_to(value, &mut buffer)?;
        self.statistics.note(type_name, buffer.len() as u64);
        Ok(buffer)
    }

    /// How values become bytes.
    pub fn codec(&self) -> &Arc<dyn Codec> {
        &self.codec
    }

    /// Where the memory comes from.
    pub fn pool(&self) -> &BufferPool {
        &self.pool
    }

    /// What was noted of all types.
    pub fn statistics(&self) -> &EncodingStatistics {
        &self.statistics
    }
}
