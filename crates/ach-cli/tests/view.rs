//! Promises of `ach view`: it answers nobody who does not know its secret, reads and sends what is
//! looked at and no more, shows what is whole beside what is damaged, and runs nothing a file says.
#![cfg(feature = "view")]

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::Arc;

use achronyme_env::{
    Archive, ArchiveWriter, Callable, Cell, Complex128, DType, Edge, ErrorValue, Extension,
    Function, Order, Record, SaveOptions, Scope, StringArray, Tensor, UserFunction, Value, save,
};
use program::{Folder, npy, offset_of};
use serde_json::Value as Json;

/// `ach view` at work; stopped when it goes.
struct Served {
    child: Child,
    port: u16,
    secret: String,
}

/// What was answered.
#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Served {
    fn new(folder: &Folder, args: &[&str]) -> Served {
        let mut command = folder.command(env!("CARGO_BIN_EXE_ach"));
        command.arg("view").arg("--no-open").args(args);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        Served::of(command.spawn().unwrap())
    }

    /// A server that tells its address on its standard output.
    fn of(mut child: Child) -> Served {
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut lines = out.lines().map(Result::unwrap);
        let address = lines.find(|line| line.contains("http://")).unwrap();
        let rest = address.trim().strip_prefix("http://127.0.0.1:").unwrap();
        let (port, secret) = rest.trim_end_matches('/').split_once('/').unwrap();
        Served {
            child,
            port: port.parse().unwrap(),
            secret: secret.to_owned(),
        }
    }

    fn send(&self, request: &str) -> Response {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer to {request:?}"));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Response {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// A request for a path, with more lines in its head.
    fn request(&self, method: &str, path: &str, host: &str, more: &str) -> Response {
        self.send(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
        ))
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A request as the page makes it.
    fn get(&self, rest: &str) -> Response {
        let path = format!("/{}/{rest}", self.secret);
        self.request("GET", &path, &self.host(), "")
    }

    fn json(&self, question: &str) -> Json {
        let response = self.get(&format!("api/{question}"));
        assert_eq!(response.status, 200, "{question}: {response:?}");
        serde_json::from_slice(&response.body).unwrap()
    }

    fn error(&self, question: &str) -> String {
        let json = self.json(question);
        json["error"]
            .as_str()
            .unwrap_or_else(|| panic!("{question} was answered: {json}"))
            .to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The head of an answer of many numbers, and how many bytes of numbers there are.
fn numbers(response: &Response) -> (Json, usize) {
    let (length, rest) = response.body.split_first_chunk::<4>().unwrap();
    let length = u32::from_le_bytes(*length) as usize;
    let head = serde_json::from_slice(&rest[..length]).unwrap();
    (head, response.body.len() - (4 + length).next_multiple_of(8))
}

fn with_examples() -> Folder {
    let folder = Folder::with_examples();
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "penguins.csv",
        "chelsea.npy",
        "run.json",
        "digits-mlp.safetensors",
        "--cold",
        "chelsea",
        "--attr",
        "chelsea:licence=CC0 1.0",
    ]);
    folder
}

/// A value of every kind.
fn zoo() -> Vec<(&'static str, Value)> {
    let record = Record::from([("x", Value::from(1)), ("y", "text".into())]);
    let function = UserFunction {
        name: Some("f".into()),
        parameters: vec!["a".into()],
        source: "a + k".into(),
        scope: Some(Scope::new(Record::from([("k", Value::from(2))]))),
        ..UserFunction::default()
    };
    let tensor = |dtype: DType, shape: &[u64]| {
        let len = achronyme_env::byte_len(dtype, shape).unwrap() as usize;
        Value::from(Tensor::from_bytes(dtype, shape, Order::C, &vec![1; len]).unwrap())
    };
    let dates = Extension {
        type_name: "numpy.datetime64".into(),
        parameters: Record::from([("unit", Value::from("D")), ("count", 1.into())]).into(),
        storage: Tensor::from_vec(vec![0i64, 20_000, i64::MIN], [3])
            .unwrap()
            .into(),
    };
    let categories = Extension {
        type_name: "pandas.Categorical".into(),
        parameters: Record::from([("ordered", Value::from(false))]).into(),
        storage: Record::from([
            (
                "codes",
                Value::from(Tensor::from_vec(vec![1i8, -1, 0], [3]).unwrap()),
            ),
            (
                "categories",
                StringArray::new(["low", "high"], [2]).unwrap().into(),
            ),
        ])
        .into(),
    };
    let frame = Extension {
        type_name: "pandas.DataFrame".into(),
        parameters: Value::Null,
        storage: Record::from([
            (
                "columns",
                StringArray::new(["day", "level"], [2]).unwrap().into(),
            ),
            (
                "index",
                Value::from(Tensor::from_vec(vec![7i64, 8, 9], [3]).unwrap()),
            ),
            (
                "values",
                Value::vector([
                    Value::Extension(Arc::new(dates.clone())),
                    Value::Extension(Arc::new(categories)),
                ]),
            ),
        ])
        .into(),
    };
    let mut all = vec![
        ("null", Value::Null),
        ("boolean", true.into()),
        ("integer", i64::MIN.into()),
        ("number", f64::NAN.into()),
        ("complex", Value::Complex(Complex128::new(1.0, -2.0))),
        ("string", "first line\nsecond".into()),
        ("bytes", Value::Bytes(vec![0u8, 255].into())),
        ("vector", Value::vector([1, 2, 3])),
        ("record", record.clone().into()),
        (
            "records",
            Value::vector([Value::Record(record.clone()), record.clone().into()]),
        ),
        (
            "strings",
            StringArray::new(["a", "b", "c", "d"], [2, 2])
                .unwrap()
                .into(),
        ),
        ("cell", Value::Cell(Cell::new(5))),
        (
            "edge",
            Value::Edge(Arc::new(Edge {
                from: "a".into(),
                to: "b".into(),
                directed: true,
                properties: record.clone(),
            })),
        ),
        (
            "error",
            Value::Error(Arc::new(ErrorValue {
                message: "no".into(),
                kind: None,
                source: Some("why".into()),
            })),
        ),
        (
            "function",
            Value::Function(Callable::new(Function::User(function))),
        ),
        (
            "builtin",
            Value::Function(Callable::new(Function::Builtin { name: "sin".into() })),
        ),
        ("dates", Value::Extension(Arc::new(dates))),
        ("frame", Value::Extension(Arc::new(frame))),
        ("empty", tensor(DType::F64, &[0, 3])),
        ("single", tensor(DType::F32, &[])),
    ];
    for dtype in DType::ALL {
        all.push((dtype.name(), tensor(dtype, &[3, 17, 16])));
    }
    all
}

#[test]
fn nobody_without_the_secret_is_answered() {
    let folder = with_examples();
    let served = Served::new(&folder, &["a.ach"]);
    let wrong = served.secret.replace(|c: char| c.is_ascii_digit(), "a");
    assert_ne!(wrong, served.secret);
    let half = &served.secret[..20];
    for path in [
        "/".to_owned(),
        "/api/overview".to_owned(),
        "/style.css".to_owned(),
        format!("/{wrong}/api/overview"),
        format!("/{half}/api/overview"),
        format!("//{}/", served.secret),
        format!("/x/../{}/", served.secret),
        format!("/?token={}", served.secret),
        "/favicon.ico".to_owned(),
    ] {
        let response = served.request("GET", &path, &served.host(), "");
        assert_eq!(response.status, 403, "{path}: {response:?}");
        let body = String::from_utf8_lossy(&response.body);
        assert!(
            !body.contains("a.ach") && !body.contains(&served.secret),
            "{body}"
        );
    }
    assert_eq!(served.get("").status, 200);
    assert_eq!(served.secret.len(), 40);
}

/// Other users of the machine can reach the port: neither those that say nothing nor those that do not
/// read what they are told take the page from its owner.
#[test]
fn strangers_do_not_keep_the_page_from_its_owner() {
    let folder = with_examples();
    let served = Served::new(&folder, &["a.ach"]);
    let mut strangers = Vec::new();
    for n in 0..200 {
        let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
        if n % 2 == 0 {
            stream.set_nonblocking(true).unwrap();
            let request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(10_000);
            let _ = stream.write(&request);
        }
        strangers.push(stream);
    }
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    // So that a server that never answers is a failed test.
    let patience = Some(std::time::Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    let (secret, host) = (&served.secret, served.host());
    for _ in 0..2 {
        // The connection stays open for who knows the secret.
        let request = format!("GET /{secret}/api/state HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = [0; 15];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        let mut rest = Vec::new();
        while !rest.ends_with(b"}") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            rest.push(byte[0]);
        }
    }
    let refused = served.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(refused.status, 421);
    drop(strangers);
}

#[test]
fn foreign_hosts_origins_and_methods_are_refused() {
    let folder = with_examples();
    let served = Served::new(&folder, &["a.ach"]);
    let path = format!("/{}/api/overview", served.secret);
    let own = served.host();
    for host in [
        "evil.example",
        &format!("evil.example:{}", served.port),
        "127.0.0.1",
        "[::1]",
    ] {
        assert_eq!(served.request("GET", &path, host, "").status, 421, "{host}");
    }
    let twice = format!("Host: {own}\r\n");
    assert_ne!(
        served.request("GET", &path, "evil.example", &twice).status,
        200
    );
    let local = format!("localhost:{}", served.port);
    assert_eq!(served.request("GET", &path, &local, "").status, 200);
    let foreign = "Origin: http://evil.example\r\n";
    assert_eq!(served.request("GET", &path, &own, foreign).status, 403);
    let same = format!("Origin: http://{own}\r\n");
    assert_eq!(served.request("GET", &path, &own, &same).status, 200);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let response = served.request(method, &path, &own, "Content-Length: 0\r\n");
        assert_eq!(response.status, 405, "{method}");
    }
}

#[test]
fn every_answer_forbids_what_the_page_does_not_need() {
    let folder = with_examples();
    let served = Served::new(&folder, &["a.ach"]);
    let answers = [
        "",
        "style.css",
        "main.js",
        "api/overview",
        "api/nothing",
        "nothing",
    ];
    for rest in answers {
        let response = served.get(rest);
        let head = response.head.to_lowercase();
        for line in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.contains(line), "{rest}: {line} is not in {head}");
        }
        assert!(
            !head.contains("set-cookie") && !head.contains("access-control"),
            "{head}"
        );
    }
    assert_eq!(served.get("nothing").status, 404);
    assert_eq!(served.get("api/nothing").status, 400);
    assert_eq!(served.get("../../etc/passwd").status, 404);
}

#[test]
fn hostile_names_are_text_in_json_and_nowhere_else() {
    let long = format!("long-{}", "x".repeat(4000));
    let names = [
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(1)</script>",
        "\u{202e}reversed",
        "line\nbreak\u{0}\u{1b}[31m",
        "\"quoted\"&amp;'",
        "",
        &long,
    ];
    let folder = Folder::new();
    let bindings = names.iter().map(|name| (*name, Value::from(*name)));
    save(folder.path("a.ach"), bindings, &SaveOptions::new()).unwrap();
    let served = Served::new(&folder, &["a.ach"]);
    let response = served.get("api/names");
    assert!(
        response.head.contains("content-type: application/json"),
        "{response:?}"
    );
    let level: Json = serde_json::from_slice(&response.body).unwrap();
    let mut listed: Vec<&str> = level["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    listed.sort();
    let mut sorted = names;
    sorted.sort();
    assert_eq!(listed, sorted);
    for name in names {
        let found = served.json(&format!("text?v={}", encoded(name)));
        assert_eq!(found["text"].as_str(), Some(name));
    }
    for part in ["", "main.js", "style.css", "icon.svg"] {
        let body = String::from_utf8(served.get(part).body).unwrap();
        assert!(!body.contains("onerror"), "{part}");
    }
}

/// An archive of `count` variables in groups of a hundred.
fn with_names(count: usize) -> Folder {
    let folder = Folder::new();
    let mut writer = ArchiveWriter::create(folder.path("a.ach"), &SaveOptions::new()).unwrap();
    for n in 0..count {
        writer
            .add(&format!("group{:04}/v{:02}", n / 100, n % 100), n as i64)
            .unwrap();
        writer.add(&format!("flat{n:06}"), n as i64).unwrap();
    }
    writer.finish().unwrap();
    folder
}

#[test]
fn names_come_a_page_at_a_time_and_all_of_them_come() {
    let folder = with_names(20_000);
    let served = Served::new(&folder, &["a.ach"]);
    let (mut flat, mut below, mut from) = (0, 0, String::new());
    loop {
        let response = served.get(&format!("api/names?count=100000&from={}", encoded(&from)));
        assert!(response.body.len() < 256 << 10, "{}", response.body.len());
        let level: Json = serde_json::from_slice(&response.body).unwrap();
        for row in level["rows"].as_array().unwrap() {
            match row["below"].as_u64() {
                Some(count) => below += count,
                None => flat += 1,
            }
        }
        match level["next"].as_str() {
            Some(next) => from = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((flat, below), (20_000, 20_000));
    let group = served.json("names?prefix=group0007/");
    assert_eq!(group["rows"].as_array().unwrap().len(), 100);
    assert_eq!(group["rows"][3]["label"], "v03");
    assert_eq!(group["rows"][3]["name"], "group0007/v03");
}

#[test]
fn a_search_finds_every_name_that_holds_a_text() {
    let folder = with_names(3_000);
    let served = Served::new(&folder, &["a.ach"]);
    let found = |text: &str| {
        let (mut names, mut after) = (Vec::new(), String::new());
        loop {
            let page = served.json(&format!("search?text={}{after}", encoded(text)));
            let rows = page["rows"].as_array().unwrap();
            names.extend(
                rows.iter()
                    .map(|row| row["name"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => after = format!("&after={}", encoded(next)),
                None => return names,
            }
        }
    };
    assert_eq!(found("v07").len(), 30);
    assert_eq!(found("flat").len(), 3_000);
    assert_eq!(found("group*/v0?").len(), 300);
    assert!(found("FLAT").is_empty());
    assert_eq!(found("flat000001"), ["flat000001"]);
    assert!(served.error("search?text=%7b").contains('{'));
}

#[test]
fn a_value_of_every_kind_is_shown_and_no_question_breaks_the_server() {
    let folder = Folder::new();
    save(folder.path("a.ach"), zoo(), &SaveOptions::new()).unwrap();
    let served = Served::new(&folder, &["a.ach"]);
    let questions = [
        "variable",
        "sizes",
        "parts",
        "text",
        "bytes",
        "rows",
        "line",
        "heat",
        "image",
        "statistics",
    ];
    let ends = [
        "",
        "&p=0",
        "&p=1.1",
        "&p=9.9.9",
        "&fix=1.2.3",
        "&fix=9.9.9.9.9",
        "&axes=0.1",
        "&axes=2.0",
        "&axes=1.1",
        "&axes=7.8",
        "&axis=5",
        "&column=1",
        "&column=99",
        "&from=18446744073709551615",
        "&from=2&to=1",
        "&down=5.2&across=9.9",
        "&height=0&width=0",
        "&at=attributes",
        "&part=im",
    ];
    for (name, _) in zoo() {
        let shown = served.json(&format!("variable?v={name}"));
        let ways = shown["ways"]
            .as_array()
            .unwrap_or_else(|| panic!("{name}: {shown}"));
        assert!(name == "empty" || !ways.is_empty(), "{name}: {shown}");
        for way in ways {
            let question = match way.as_str().unwrap() {
                "table" => "rows",
                "scalar" => continue,
                other => other,
            };
            let series = &shown["series"][0]["column"];
            let column = series.as_u64().map(|column| format!("&column={column}"));
            let column = column.filter(|_| question == "line").unwrap_or_default();
            let response = served.get(&format!("api/{question}?v={name}{column}"));
            let body = String::from_utf8_lossy(&response.body);
            assert_eq!(response.status, 200, "{name} {question}");
            assert!(!body.starts_with("{\"error"), "{name} {question}: {body}");
        }
        for question in questions {
            for end in ends {
                let response = served.get(&format!("api/{question}?v={name}{end}"));
                let asked = format!("{question} {name} {end}");
                assert!(
                    [200, 400].contains(&response.status),
                    "{asked}: {response:?}"
                );
                assert!(response.body.len() < 1 << 20, "{asked}");
            }
        }
    }
    assert_eq!(served.get("api/line?v=vector&from=x").status, 400);
    assert_eq!(served.get("api/variable").status, 400);
    assert_eq!(served.get("api/variable?v=%ff").status, 400);
    assert!(served.error("variable?v=missing").contains("no variable"));
}

#[test]
fn tables_show_what_the_values_are() {
    let folder = Folder::new();
    save(folder.path("a.ach"), zoo(), &SaveOptions::new()).unwrap();
    let served = Served::new(&folder, &["a.ach"]);
    let frame = served.json("rows?v=frame");
    assert_eq!(frame["heads"][1]["label"], "day");
    assert_eq!(frame["cells"][0], serde_json::json!(["7", "8", "9"]));
    let days = serde_json::json!(["1970-01-01", "2024-10-04", "NaT"]);
    assert_eq!(frame["cells"][1], days);
    assert_eq!(frame["cells"][2], serde_json::json!(["high", null, "low"]));
    assert_eq!(frame["heads"][1]["part"], Json::Null);
    let records = served.json("rows?v=records");
    assert_eq!(
        records["cells"],
        serde_json::json!([["1", "1"], ["text", "text"]])
    );
    let strings = served.json("rows?v=strings");
    assert_eq!(
        strings["cells"],
        serde_json::json!([["a", "c"], ["b", "d"]])
    );
    let function = served.json("parts?v=function");
    assert_eq!(function["rows"][2]["brief"], "a + k");
    let scope = served.json("parts?v=function&p=4");
    assert_eq!(scope["rows"][0]["brief"], "2");
}

#[test]
fn lines_and_maps_say_what_they_are_samples_of() {
    let folder = Folder::new();
    let mut numbers_: Vec<f64> = (0..1 << 20).map(f64::from).collect();
    numbers_[1000] = f64::NAN;
    numbers_[77] = f64::INFINITY;
    numbers_[500_000] = 1e9;
    let tensor = Tensor::from_vec(numbers_, [1 << 20]).unwrap();
    let plane = tensor.reshape([1024, 1024]).unwrap();
    let values = [("line", tensor), ("plane", plane)];
    save(folder.path("a.ach"), values, &SaveOptions::new()).unwrap();
    let served = Served::new(&folder, &["a.ach"]);
    let line = served.json("line?v=line&pixels=100");
    assert_eq!((&line["nan"], &line["infinite"]), (&1.into(), &1.into()));
    assert_eq!(line["looked_at"], 1 << 20);
    let most = line["most"].as_array().unwrap();
    assert!(
        most.len() == 100 && most.contains(&1e9.into()),
        "a peak is lost"
    );
    let closer = served.json("line?v=line&pixels=100&from=990&to=1010");
    assert_eq!(closer["values"][9], 999.0);
    assert_eq!(closer["values"][10], Json::Null);
    let (head, bytes) = numbers(&served.get("api/heat?v=plane&height=64&width=32"));
    assert_eq!(
        (&head["height"], &head["width"], bytes),
        (&64.into(), &32.into(), 64 * 32 * 8)
    );
    assert_eq!((&head["nan"], &head["one_in"]), (&1.into(), &1.into()));
    let (head, bytes) = numbers(&served.get("api/heat?v=plane&height=9999&width=9999"));
    assert!(bytes <= 512 * 512 * 8, "{head}");
    let (head, bytes) =
        numbers(&served.get("api/image?v=plane&height=9&width=9&down=0.3&across=5.7"));
    assert_eq!(
        (&head["height"], &head["width"], bytes),
        (&3.into(), &2.into(), 24)
    );
    let statistics = served.json("statistics?v=line");
    assert_eq!(
        (&statistics["nan"], &statistics["infinite"]),
        (&1.into(), &1.into())
    );
}

/// Bytes the server has read since it began.
#[cfg(target_os = "linux")]
fn read_by(served: &Served) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/io", served.child.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn little_is_read_of_a_large_array_whatever_is_asked() {
    let folder = Folder::new();
    // 1 GiB of zeros, a hole in the input.
    let head = npy("<f8", "(64, 1024, 2048)", b"");
    let file = std::fs::File::create(folder.path("big.npy")).unwrap();
    (&file).write_all(&head).unwrap();
    file.set_len(head.len() as u64 + (1 << 30)).unwrap();
    folder.fine(&["pack", "-o", "a.ach", "big.npy"]);
    let served = Served::new(&folder, &["a.ach"]);
    let before = read_by(&served);
    served.json("names");
    served.json("variable?v=big");
    served.json("rows?v=big&axes=1.2");
    let after = read_by(&served);
    assert!(
        after - before < 32 << 20,
        "a page of a table read {}",
        after - before
    );
    for question in [
        "line?v=big&axis=2&pixels=2000",
        "line?v=big&axis=0&pixels=2000",
        "heat?v=big&axes=0.1&height=500&width=500",
        "heat?v=big&axes=1.2&height=500&width=500",
        "heat?v=big&axes=2.0&height=500&width=500",
        "image?v=big&height=1000&width=1000",
        "statistics?v=big",
    ] {
        let before = read_by(&served);
        assert_eq!(served.get(&format!("api/{question}")).status, 200);
        let read = read_by(&served) - before;
        assert!(read < 160 << 20, "{question} read {read}");
    }
}

#[test]
fn a_long_text_comes_in_pieces_that_end_between_characters() {
    let folder = Folder::new();
    let text = "\u{e9}\u{1f600}x".repeat(50_000);
    save(
        folder.path("a.ach"),
        [("text", text.as_str())],
        &SaveOptions::new(),
    )
    .unwrap();
    let served = Served::new(&folder, &["a.ach"]);
    let (mut whole, mut from) = (String::new(), 0);
    while from < text.len() as u64 {
        let piece = served.json(&format!("text?v=text&from={from}&count=65535"));
        whole.push_str(piece["text"].as_str().unwrap());
        let next = piece["next"].as_u64().unwrap();
        assert!(next > from);
        from = next;
    }
    assert!(whole == text);
    assert!(served.error("text?v=text&from=1").contains("not UTF-8"));
}

#[test]
fn damage_in_one_variable_leaves_the_others() {
    let folder = with_examples();
    let at = offset_of(&folder, "a.ach", "layer1.weight");
    let mut bytes = folder.read("a.ach");
    bytes[at + 100] ^= 1;
    folder.write("a.ach", bytes);
    let served = Served::new(&folder, &["a.ach"]);
    let error = served.error("heat?v=layer1.weight");
    assert!(
        error.contains("layer1.weight") && error.contains("checksum"),
        "{error}"
    );
    assert!(
        served
            .error("statistics?v=layer1.weight")
            .contains("checksum")
    );
    assert_eq!(served.json("variable?v=layer1.weight")["kind"], "tensor");
    assert_eq!(served.get("api/heat?v=layer2.weight").status, 200);
    assert!(served.json("line?v=layer1.bias")["values"].is_array());
    assert!(served.json("layout")["map"].is_string());
}

#[test]
fn a_changed_file_is_told_and_what_is_shown_stays_until_it_is_reloaded() {
    let folder = Folder::new();
    save(folder.path("a.ach"), [("old", 1)], &SaveOptions::new()).unwrap();
    let served = Served::new(&folder, &["a.ach"]);
    assert_eq!(
        served.json("state"),
        serde_json::json!({"epoch": 0, "file": "same"})
    );
    let options = SaveOptions::new().allow_overwrite(true);
    save(folder.path("a.ach"), [("new", "text")], &options).unwrap();
    assert_eq!(served.json("state")["file"], "changed");
    assert_eq!(served.json("variable?v=old")["brief"], "1");
    assert_eq!(
        served.json("reload"),
        serde_json::json!({"epoch": 1, "file": "same"})
    );
    assert_eq!(served.json("variable?v=new")["brief"], "text");
    assert!(served.error("variable?v=old").contains("no variable"));
    // A file that cannot be opened is no reason to lose what is shown.
    std::fs::remove_file(folder.path("a.ach")).unwrap();
    assert_eq!(served.json("state")["file"], "gone");
    assert!(served.error("reload").contains("a.ach"));
    folder.write("a.ach", "no archive");
    assert!(served.error("reload").contains("a.ach"));
    assert_eq!(served.json("variable?v=new")["brief"], "text");
}

#[test]
fn a_session_shows_its_history_and_what_stands_in_the_journal() {
    let folder = with_examples();
    folder.fine(&["set", "a.ach", "rate=0.5", "--keep-history"]);
    folder.fine(&["mark", "a.ach", "before <b>"]);
    folder.fine(&["rm", "a.ach", "layer3.bias"]);
    let served = Served::new(&folder, &["a.ach"]);
    let history = served.json("history?count=2");
    assert_eq!(history["all"], 3);
    assert_eq!(history["commits"][0]["events"][0]["event"], "remove");
    assert_eq!(history["commits"][1]["events"][0]["name"], "before <b>");
    assert_eq!(
        served.json("history?from=2")["commits"][0]["events"][0]["name"],
        "rate"
    );
    assert!(history["journal"]["session"].is_string());
    assert_eq!(served.json("variable?v=rate")["journal"], true);
    folder.fine(&["set", "a.ach", "rate=0.25"]);
    assert_eq!(served.json("state")["file"], "changed");
    served.json("reload");
    assert_eq!(served.json("variable?v=rate")["brief"], "0.25");
    let alone = Served::new(&folder, &["--archive-only", "a.ach"]);
    assert_eq!(alone.json("history")["all"], 0);
}

#[test]
fn the_layout_names_what_stands_where() {
    let folder = with_examples();
    let served = Served::new(&folder, &["a.ach"]);
    let layout = served.json("layout?cells=500");
    assert_eq!(layout["map"].as_str().unwrap().len(), 500);
    assert_eq!(layout["largest"][0]["name"], "chelsea");
    assert_eq!(layout["largest"][0]["cold"], true);
    let archive = Archive::open(folder.path("a.ach")).unwrap();
    assert_eq!(layout["len"], archive.file_len());
    let sections: u64 = layout["sections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|section| section["len"].as_u64().unwrap())
        .sum();
    assert!(sections <= archive.file_len());
    let at = offset_of(&folder, "a.ach", "layer2.weight");
    let found = served.json(&format!("layout/at?from={at}"));
    assert_eq!(found["extents"][0]["name"], "layer2.weight");
    assert_eq!(found["sections"][0], "arrays, hot");
    assert_eq!(served.json("layout/at?from=0")["sections"][0], "header");
}

#[test]
fn a_file_of_version_1_is_shown_without_places() {
    let folder = Folder::new();
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/version1");
    let mut samples: Vec<_> = std::fs::read_dir(data)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    samples.retain(|sample| sample.path().extension().is_some_and(|end| end == "ach"));
    samples.sort_by_key(|sample| sample.path());
    let readable = samples.iter().find(|sample| {
        folder.copy_version_1(&sample.file_name().to_string_lossy(), "old.ach");
        folder.ach(&["ls", "old.ach"]).code == Some(0)
    });
    assert!(readable.is_some(), "no sample of version 1 can be read");
    let served = Served::new(&folder, &["old.ach"]);
    assert_eq!(served.json("overview")["is_placed"], false);
    assert!(!served.json("names")["rows"].as_array().unwrap().is_empty());
    assert!(served.error("layout").contains("version 1"));
}

#[test]
fn what_cannot_be_served_is_one_sentence() {
    let folder = with_examples();
    let text = folder.refused(&["view", "--no-open", "missing.ach"]);
    assert!(text.contains("missing.ach"), "{text}");
    folder.write("text.ach", "hello, this is no archive at all");
    let text = folder.refused(&["view", "--no-open", "text.ach"]);
    assert!(text.contains("text.ach"), "{text}");
    folder.fine(&["pack", "-o", "b.ach", "run.json"]);
    folder.fine(&["delta", "create", "a.ach", "b.ach", "-o", "d.ach"]);
    let text = folder.refused(&["view", "--no-open", "d.ach"]);
    assert!(text.contains("delta"), "{text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = folder.refused(&["view", "--no-open", "--port", &port, "a.ach"]);
    assert!(
        text.contains(&port) && text.contains("without --port"),
        "{text}"
    );
    let text = folder.refused(&["view", "--no-open", "--port", "70000", "a.ach"]);
    assert!(text.contains("70000"), "{text}");
}

#[cfg(unix)]
#[test]
fn it_ends_when_told_and_leaves_nothing_behind() {
    let folder = with_examples();
    let before = folder.names();
    for signal in ["-INT", "-TERM"] {
        let mut served = Served::new(&folder, &["a.ach"]);
        served.json("overview");
        let id = served.child.id().to_string();
        let told = folder.command("kill").args([signal, &id]).status().unwrap();
        assert!(told.success());
        let status = served.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(TcpStream::connect(("127.0.0.1", served.port)).is_err());
    }
    assert_eq!(folder.names(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn the_browser_is_started_with_a_file_and_not_with_the_address() {
    use std::os::unix::fs::PermissionsExt;
    let folder = with_examples();
    let script = "#!/bin/sh\ncp \"$1\" page.html\necho \"$@\" > given.part\nmv given.part given\n";
    folder.write("xdg-open", script);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path("xdg-open"), mode).unwrap();
    let mut command = folder.command(env!("CARGO_BIN_EXE_ach"));
    let path = format!("{}:/usr/bin:/bin", folder.path("").display());
    let child = command
        .args(["view", "a.ach"])
        .env("PATH", path)
        .env("DISPLAY", ":99")
        .stdout(Stdio::piped());
    let mut served = Served::of(child.spawn().unwrap());
    let given = folder.path("given");
    while !given.exists() {
        assert!(served.child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let given = String::from_utf8(folder.read("given")).unwrap();
    assert!(!given.contains(&served.secret), "{given}");
    let page = String::from_utf8(folder.read("page.html")).unwrap();
    assert!(page.contains(&served.secret), "{page}");
    let leads_on = std::path::Path::new(given.trim());
    assert!(leads_on.exists());
    let id = served.child.id().to_string();
    folder.command("kill").args(["-INT", &id]).status().unwrap();
    served.child.wait().unwrap();
    assert!(!leads_on.exists(), "the page that leads on is left behind");
}
