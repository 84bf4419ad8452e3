//! Promises of messages: what is sent is received, whole, once and in order, or an error says where the
//! stream is wrong; the receiver borrows and copies nothing; memory is bounded by what came.

mod arbitrary;
mod samples;

use std::io::{self, Read};

use achronyme_env::{
    BufferPool, DType, EncodingStatistics, EnvError, MessageCompression, MessageHeader,
    MessageReader, MessageWriter, Order, Record, Temperature, Tensor, VALUE_IMAGE, Value,
    ValueImage, serialize_value,
};
use proptest::prelude::*;

fn writer() -> MessageWriter<Vec<u8>> {
    MessageWriter::new(Vec::new()).unwrap()
}

/// A stream of three messages, and where each ends.
fn three() -> (Vec<u8>, Vec<usize>) {
    let mut messages = writer();
    let mut ends = Vec::new();
    messages.send("text/plain", 3, b"one").unwrap();
    ends.push(messages.get_ref().len());
    messages.send_value(Value::from("two")).unwrap();
    ends.push(messages.get_ref().len());
    messages.send("application/octet-stream", 0, &[]).unwrap();
    ends.push(messages.get_ref().len());
    (messages.into_inner(), ends)
}

/// All messages up to the end or the first error.
fn received(stream: &[u8]) -> (Vec<(String, Vec<u8>)>, Option<EnvError>) {
    let mut messages = MessageReader::new(stream);
    let mut found = Vec::new();
    loop {
        match messages.receive() {
            Ok(Some(message)) => {
                let content_type = message.content_type().to_owned();
                found.push((content_type, message.payload().to_vec()));
            }
            Ok(None) => return (found, None),
            Err(error) => {
                assert!(messages.receive().is_err(), "the place is lost");
                return (found, Some(error));
            }
        }
    }
}

#[test]
fn what_is_sent_is_received_in_order() {
    let (stream, _) = three();
    let mut messages = MessageReader::new(&stream[..]);
    let before = std::time::SystemTime::now();
    let first = messages.receive().unwrap().unwrap();
    assert_eq!((first.content_type(), first.version()), ("text/plain", 3));
    assert_eq!((first.payload(), first.id().sequence), (&b"one"[..], 1));
    assert!(first.time() <= before && first.time() > before - std::time::Duration::from_secs(60));
    let second = messages.receive().unwrap().unwrap();
    assert_eq!(
        (second.content_type(), second.id().sequence),
        (VALUE_IMAGE, 2)
    );
    assert_eq!(second.value().unwrap().as_str(), Some("two"));
    assert_eq!(
        second.payload(),
        serialize_value(Value::from("two")).unwrap()
    );
    assert!(matches!(first.value(), Err(EnvError::Unsupported { .. })));
    let third = messages.receive().unwrap().unwrap();
    assert_eq!(
        (third.payload(), third.id().stream),
        (&[][..], first.id().stream)
    );
    assert!(messages.receive().unwrap().is_none());
}

#[test]
fn a_reader_may_begin_with_any_message() {
    let (stream, ends) = three();
    let (found, error) = received(&stream[ends[0]..]);
    assert!(error.is_none());
    assert_eq!(found.len(), 2);
}

/// A stream that gives as little as it can.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(7);
        self.0.read(&mut out[..len])
    }
}

fn same(one: &Tensor, other: &Tensor) -> bool {
    let (one, other) = (Value::from(one.clone()), Value::from(other.clone()));
    one.identical(&other).unwrap()
}

#[test]
fn tensors_stand_where_they_were_received() {
    let tensor = samples::tensor(DType::F64, &[700, 300], Order::Fortran);
    let mut messages = writer();
    messages.send_value(Value::from(tensor.clone())).unwrap();
    let stream = messages.into_inner();
    let pool = BufferPool::new(4 << 20);
    let mut messages = MessageReader::new(Drops(&stream)).pool(pool.clone());
    let message = messages.receive().unwrap().unwrap();
    let value = message.value().unwrap();
    let found = value.as_tensor().unwrap().clone();
    drop(value);
    let numbers = found.as_slice::<f64>().unwrap();
    let payload = message.payload().as_ptr_range();
    assert!(payload.contains(&numbers.as_ptr().cast()));
    assert_eq!(payload.start.addr() % 64, 0);
    assert!(same(&found, &tensor));
    drop(message);
    // What borrows from the message holds its memory.
    assert_eq!(pool.counts().lent, 1);
    assert!(same(&found, &tensor));
    drop(found);
    assert_eq!(pool.counts().lent, 0);
}

#[test]
fn messages_that_are_dropped_take_no_fresh_memory() {
    let mut messages = writer();
    for _ in 0..1000 {
        messages.send("a/b", 0, &[7; 10_000]).unwrap();
    }
    let stream = messages.into_inner();
    let pool = BufferPool::new(1 << 20);
    let mut messages = MessageReader::new(&stream[..]).pool(pool.clone());
    while messages.receive().unwrap().is_some() {}
    let counts = pool.counts();
    assert_eq!((counts.taken, counts.made), (1000, 1));
    assert!(counts.kept_bytes <= 16_384);
}

#[test]
#[cfg(feature = "zstd")]
fn what_is_compressed_is_unpacked() {
    let value = Value::from(Tensor::from_vec(vec![1.5f64; 100_000], [100_000]).unwrap());
    let mut messages = writer().compress(Some(3));
    messages.send_value(&value).unwrap();
    // Nothing to gain.
    messages.send("a/b", 0, &samples::noise(1, 1000)).unwrap();
    let stream = messages.into_inner();
    assert!(stream.len() < 10_000, "{}", stream.len());
    let mut messages = MessageReader::new(&stream[..]);
    let message = messages.receive().unwrap().unwrap();
    assert_eq!(message.compression(), MessageCompression::Zstd);
    assert!(message.value().unwrap().identical(&value).unwrap());
    let plain = messages.receive().unwrap().unwrap();
    assert_eq!(plain.compression(), MessageCompression::None);
    // The length that it unpacks to is bounded too.
    let error = MessageReader::new(&stream[..])
        .most_bytes(100_000)
        .receive()
        .unwrap_err();
    assert!(matches!(error, EnvError::TooLarge { .. }), "{error}");
}

#[test]
fn every_flipped_bit_is_found_and_costs_no_message_before_it() {
    let (stream, ends) = three();
    let (whole, _) = received(&stream);
    for bit in 0..stream.len() * 8 {
        let mut flipped = stream.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let (found, error) = received(&flipped);
        assert!(error.is_some(), "bit {bit}");
        let before = ends.iter().filter(|end| **end <= bit / 8).count();
        assert_eq!(found[..], whole[..before], "bit {bit}");
    }
}

#[test]
fn every_cut_is_found_and_costs_no_message_before_it() {
    let (stream, ends) = three();
    let (whole, _) = received(&stream);
    for len in 0..stream.len() {
        let (found, error) = received(&stream[..len]);
        let before = ends.iter().filter(|end| **end <= len).count();
        assert_eq!(found[..], whole[..before], "{len}");
        let at_an_end = len == 0 || ends.contains(&len);
        assert_eq!(error.is_none(), at_an_end, "{len}");
        if let Some(error) = error {
            assert!(error.to_string().contains("the stream"), "{error}");
        }
    }
}

#[test]
fn messages_left_out_repeated_or_of_another_stream_are_found() {
    let (stream, ends) = three();
    let (other, _) = three();
    let parts = [
        &stream[..ends[0]],
        &stream[ends[0]..ends[1]],
        &stream[ends[1]..],
    ];
    let wrong = [
        [parts[0], parts[2]],
        [parts[1], parts[0]],
        [parts[0], parts[0]],
        [parts[0], &other[ends[0]..ends[1]]],
    ];
    for (number, stream) in wrong.into_iter().enumerate() {
        let (found, error) = received(&stream.concat());
        assert_eq!(found.len(), 1, "{number}");
        assert!(matches!(error, Some(EnvError::Damaged { .. })), "{number}");
    }
}

#[test]
fn a_header_that_promises_much_takes_no_memory() {
    let (stream, _) = three();
    let mut header = MessageHeader::from_bytes(stream.first_chunk().unwrap()).unwrap();
    for (len, too_large) in [(1 << 29, false), (1 << 31, true), (u64::MAX >> 1, true)] {
        header.payload_len = len;
        let mut long = stream.clone();
        long[..64].copy_from_slice(&header.to_bytes());
        let pool = BufferPool::new(4 << 30);
        let mut messages = MessageReader::new(&long[..]).pool(pool.clone());
        let error = messages.receive().unwrap_err();
        assert_eq!(
            matches!(error, EnvError::TooLarge { .. }),
            too_large,
            "{error}"
        );
        assert!(pool.counts().most_lent_bytes <= 1 << 20);
    }
    // So it is with a zstd frame that says it holds much.
    #[cfg(feature = "zstd")]
    {
        let zeros = vec![0u8; 64 << 20];
        let mut messages = writer().compress(Some(3));
        messages.send("a/b", 0, &zeros).unwrap();
        let stream = messages.into_inner();
        let mut header = MessageHeader::from_bytes(stream.first_chunk().unwrap()).unwrap();
        let start = header.payload_offset() as usize;
        header.payload_len = 64;
        header.payload_crc = crc32fast::hash(&stream[start..start + 64]);
        let mut short = stream[..start + 64].to_vec();
        short[..64].copy_from_slice(&header.to_bytes());
        let pool = BufferPool::new(4 << 30);
        let mut messages = MessageReader::new(&short[..]).pool(pool.clone());
        let error = messages.receive().unwrap_err().to_string();
        assert!(error.contains("says that it holds 67108864"), "{error}");
        assert!(pool.counts().most_lent_bytes <= 1 << 20);
        let mut whole = MessageReader::new(&stream[..]);
        assert!(whole.receive().unwrap().unwrap().payload() == zeros);
    }
    // A pool that is too small is told of, and not gone around.
    let mut messages = writer();
    messages.send("a/b", 0, &vec![1; 3 << 20]).unwrap();
    let stream = messages.into_inner();
    let mut messages = MessageReader::new(&stream[..]).pool(BufferPool::new(2 << 20));
    let error = messages.receive().unwrap_err();
    assert!(matches!(error, EnvError::PoolExhausted { .. }), "{error}");
}

#[test]
fn a_part_of_a_value_is_read_where_it_was_received_and_damage_elsewhere_is_no_matter() {
    let waves = Tensor::from_vec(vec![0.5f64; 50_000], [50_000]).unwrap();
    let text = Value::from("a long text ".repeat(10_000));
    let record = Record::from([
        ("step", Value::from(7i64)),
        ("waves", waves.into()),
        ("text", text),
    ]);
    let value = Value::from(record);
    let mut messages = writer();
    messages.send_value(&value).unwrap();
    let stream = messages.into_inner();
    let message = MessageReader::new(&stream[..]).receive().unwrap().unwrap();
    let image = message.image().unwrap();
    let view = image.view().unwrap();
    assert_eq!(view.field("step").unwrap().as_i64().unwrap(), 7);
    let waves = view.field("waves").unwrap().tensor().unwrap();
    let inside = message.payload().as_ptr_range();
    let here = waves.as_slice::<f64>().unwrap();
    assert!(inside.contains(&here.as_ptr().cast()), "copied");
    assert!(image.value().unwrap().identical(&value).unwrap());

    // As bytes of whoever, aligned or not; each damaged byte is found where it is looked at.
    let bytes = serialize_value(&value).unwrap();
    let mut damaged = bytes.clone();
    let at = damaged.len() - 1000;
    damaged[at] ^= 1;
    let image = ValueImage::open(damaged).unwrap();
    let view = image.view().unwrap();
    assert_eq!(view.field("step").unwrap().as_i64().unwrap(), 7);
    let whole = image.value().and_then(|v| v.identical(&value));
    assert!(whole.is_err(), "{whole:?}");
    for cut in [0, 10, 64, 100, bytes.len() - 1] {
        let error = ValueImage::open(bytes[..cut].to_vec()).unwrap_err();
        assert!(matches!(error, EnvError::Damaged { .. }), "{cut}: {error}");
    }
    let mut text = writer();
    text.send("text/plain", 0, b"hello").unwrap();
    let stream = text.into_inner();
    let message = MessageReader::new(&stream[..]).receive().unwrap().unwrap();
    assert!(matches!(message.image(), Err(EnvError::Unsupported { .. })));
}

#[cfg(feature = "zstd")]
#[test]
fn messages_are_packed_of_the_types_for_which_it_pays_and_a_change_changes_the_choice() {
    let statistics = EncodingStatistics::new();
    let run = || {
        let statistics = EncodingStatistics::new();
        let mut messages = writer().compress_where_it_pays(1, statistics.clone());
        // Bytes that are not alike (xorshift), and text.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let noise = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        });
        let noise: Vec<u8> = noise.take(6000).collect();
        let text = "all work and no play ".repeat(300);
        for n in 0..200 {
            messages.send("image/raw", 0, &noise).unwrap();
            // From the hundredth on texts are noise too.
            let payload = if n < 100 { text.as_bytes() } else { &noise };
            messages.send("text/plain", 0, payload).unwrap();
        }
        (messages.into_inner(), statistics)
    };
    let (stream, noted) = run();
    let mut messages = MessageReader::new(&stream[..]);
    let mut packed: [Vec<bool>; 2] = Default::default();
    while let Some(message) = messages.receive().unwrap() {
        let of_type = usize::from(message.content_type() == "text/plain");
        packed[of_type].push(message.compression() == MessageCompression::Zstd);
    }
    let [noise, text] = packed;
    assert!(noise.iter().all(|packed| !packed), "{noise:?}");
    assert!(text[..100].iter().all(|packed| *packed), "{text:?}");
    assert!(text[100..].iter().all(|packed| !packed), "{text:?}");
    // Packing was tried of few: that is what the choice saves.
    let tried = noted.get("image/raw 0").unwrap().packed;
    assert_eq!((tried, noted.get("image/raw 0").unwrap().count), (7, 200));
    let of_text = noted.get("text/plain 0").unwrap();
    assert!((101..170).contains(&of_text.packed), "{of_text:?}");
    assert_eq!(noted.temperature("image/raw 0"), Temperature::Hot);
    assert_eq!(statistics.temperature("image/raw 0"), Temperature::Unknown);
    // Nothing but what was sent decides.
    assert_eq!(run().1.types(), noted.types());
}

/// Takes so many bytes, then fails.
struct Full(usize);

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        match taken {
            0 => Err(io::ErrorKind::StorageFull.into()),
            taken => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_half_a_message_nothing_more_is_sent() {
    let mut messages = MessageWriter::new(Full(300)).unwrap();
    messages.send("a/b", 0, b"whole").unwrap();
    for _ in 0..2 {
        let error = messages.send("a/b", 0, b"half").unwrap_err();
        assert!(matches!(error, EnvError::Io { .. }), "{error}");
    }
    let error = messages.send("no type", 0, b"").unwrap_err();
    assert!(matches!(error, EnvError::InvalidValue { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_value_arrives(value in arbitrary::value()) {
        let mut messages = writer();
        messages.send_value(&value).unwrap();
        let stream = messages.into_inner();
        let message = MessageReader::new(&stream[..]).receive().unwrap().unwrap();
        prop_assert!(message.value().unwrap().identical(&value).unwrap());
        prop_assert_eq!(message.payload(), serialize_value(&value).unwrap());
    }
}

#[test]
fn values_of_every_kind_arrive() {
    let mut messages = writer();
    for (_, value) in samples::every_kind() {
        messages.send_value(&value).unwrap();
    }
    let stream = messages.into_inner();
    let mut messages = MessageReader::new(&stream[..]);
    for (name, value) in samples::every_kind() {
        let found = messages.receive().unwrap().unwrap().value().unwrap();
        assert!(found.identical(&value).unwrap(), "{name}");
    }
}
