//! A tensor of 64 MiB goes from one process to another, over a socket of the loopback interface. The
//! receiver adds up the numbers where they were received.
//!
//! ```console
//! $ cargo run --release --example messages
//! received 64 MiB as float64 [4096, 2048]: sum 35184367894528
//! sent back: 35184367894528
//! ```

use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use achronyme_env::{MessageReader, MessageWriter, Tensor, Value};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    match std::env::args().nth(1) {
        Some(port) => send(port.parse()?),
        None => receive(),
    }
}

/// Listens, starts the other process, and answers its message.
fn receive() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let mut other = Command::new(std::env::current_exe()?).arg(port).spawn()?;
    let (stream, _) = listener.accept()?;
    let mut messages = MessageReader::new(BufReader::new(&stream));
    let message = messages.receive()?.ok_or("nothing was sent")?;
    let value = message.value()?;
    let tensor = value.as_tensor().ok_or("not a tensor")?;
    let numbers = tensor.as_slice::<f64>()?;
    let sum: f64 = numbers.iter().sum();
    println!(
        "received {} MiB as {} {:?}: sum {sum}",
        message.payload().len() >> 20,
        tensor.dtype(),
        tensor.shape(),
    );
    MessageWriter::new(&stream)?.send_value(Value::from(sum))?;
    match other.wait()?.success() {
        true => Ok(()),
        false => Err("the other process failed".into()),
    }
}

/// Sends a tensor, and shows what comes back.
fn send(port: u16) -> Outcome {
    let numbers: Vec<f64> = (0..8 << 20).map(f64::from).collect();
    let tensor = Value::from(Tensor::from_vec(numbers, [4096, 2048])?);
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    MessageWriter::new(&stream)?.send_value(&tensor)?;
    let mut answers = MessageReader::new(BufReader::new(&stream));
    let answer = answers.receive()?.ok_or("no answer came")?;
    println!(
        "sent back: {}",
        answer.value()?.as_f64().ok_or("not a number")?
    );
    Ok(())
}
