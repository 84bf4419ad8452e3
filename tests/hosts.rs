//! Promise: a host's aliases and cycles through its own cells and scopes come back, whatever could
//! not be saved or made is reported with its path, and what the host does not know saves unchanged.

mod small_stack;
mod tiny_host;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use achronyme_env::host::{self, Adopted};
use achronyme_env::{
    Archive, ArchiveWriter, BindingOptions, Cell, Complex128, Edge, EdgeRef, EnvError, ErrorRef,
    ErrorValue, Extension, ExtensionRef, Function, FunctionRef, Outcome, Record, SaveOptions,
    Scope, ScopeRef, SharedContents, SharedId, Tensor, TensorRef, UserFunction, UserFunctionRef,
    Value, ValueRef, deserialize_value, serialize_value,
};
use small_stack::on_small_stack;
use tiny_host::{CellRc, Complex, Host, Object, ScopeRc, cell, list, record, same, session};

const fn is_send<T: Send>() {}
const _: () = is_send::<ArchiveWriter<'static>>();

const LEVELS: usize = achronyme_env::limits::MAX_NESTING;

/// Saves a session, opens it, and makes a session of it again.
fn there_and_back<const N: usize>(
    bindings: [(&str, &Object); N],
) -> (Vec<String>, Adopted<Object>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.ach");
    let options = SaveOptions::new().durable(false);
    let report = host::save(&Host, &path, session(bindings), &options).unwrap();
    let archive = Archive::open(&path).unwrap();
    assert!(archive.verify().unwrap().is_ok());
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    let values = archive.load_vars(&names).unwrap();
    let adopted = host::adopt(&mut Host, names.into_iter().zip(values)).unwrap();
    let told = report.findings.iter().map(ToString::to_string);
    (told.collect(), adopted)
}

fn found<'o>(adopted: &'o Adopted<Object>, name: &str) -> &'o Object {
    let binding = adopted.bindings.iter().find(|(known, _)| known == name);
    &binding.unwrap().1
}

fn cell_of(object: &Object) -> CellRc {
    match object {
        Object::Cell(cell) => Rc::clone(cell),
        other => panic!("{other:?}"),
    }
}

fn scope_of(object: &Object) -> ScopeRc {
    match object {
        Object::Closure { scope, .. } => Rc::clone(scope),
        other => panic!("{other:?}"),
    }
}

fn closure(scope: &ScopeRc) -> Object {
    Object::Closure {
        source: "f(x)".to_owned(),
        scope: Rc::clone(scope),
    }
}

#[test]
fn two_names_for_a_cell_and_two_closures_of_a_scope_stay_so() {
    let shared = cell(Object::Number(1.0));
    let scope: ScopeRc = Rc::new(RefCell::new(vec![("n".to_owned(), same(&shared))]));
    // A scope that holds the function that captured it.
    scope.borrow_mut().push(("f".to_owned(), closure(&scope)));
    let (told, adopted) = there_and_back([
        ("a", &same(&shared)),
        ("f", &closure(&scope)),
        ("g", &record([("method", closure(&scope))])),
    ]);
    assert!(told.is_empty() && adopted.findings.is_empty());
    let a = cell_of(found(&adopted, "a"));
    let f = scope_of(found(&adopted, "f"));
    let Object::Record(g) = found(&adopted, "g") else {
        panic!()
    };
    assert!(Rc::ptr_eq(&f, &scope_of(&g[0].1)));
    let bindings = f.borrow();
    assert!(Rc::ptr_eq(&a, &cell_of(&bindings[0].1)));
    assert!(Rc::ptr_eq(&f, &scope_of(&bindings[1].1)));
}

#[test]
fn cycles_through_cells_and_records_come_back() {
    let (a, b) = (cell(Object::Nothing), cell(Object::Nothing));
    *a.borrow_mut() = record([("b", same(&b)), ("me", same(&a))]);
    *b.borrow_mut() = list([same(&a)]);
    let (told, adopted) = there_and_back([("a", &same(&a))]);
    assert!(told.is_empty());
    let a = cell_of(found(&adopted, "a"));
    let content = a.borrow();
    let Object::Record(fields) = &*content else {
        panic!()
    };
    assert!(Rc::ptr_eq(&a, &cell_of(&fields[1].1)));
    let b = cell_of(&fields[0].1);
    let content = b.borrow();
    let Object::List(items) = &*content else {
        panic!()
    };
    assert!(Rc::ptr_eq(&a, &cell_of(&items[0])));
}

#[test]
fn chains_of_host_cells_have_no_limit() {
    on_small_stack(|| {
        let mut cells = vec![cell(Object::Number(7.0))];
        for n in 0..50_000 {
            let next = cell(list([same(&cells[n])]));
            cells.push(next);
        }
        let (told, adopted) = there_and_back([("chain", &same(&cells[50_000]))]);
        assert!(told.is_empty());
        let mut links = 0;
        let mut here = cell_of(found(&adopted, "chain"));
        loop {
            // Taken out, so that the chain is not dropped from within.
            let content = here.replace(Object::Nothing);
            let Object::List(items) = content else {
                assert!(matches!(content, Object::Number(7.0)));
                break;
            };
            links += 1;
            here = cell_of(&items[0]);
        }
        assert_eq!(links, 50_000);
        for cell in cells {
            cell.replace(Object::Nothing);
        }
    });
}

#[test]
fn nesting_of_128_is_lent_and_beyond_it_the_path_is_named() {
    on_small_stack(|| {
        let nested = |levels| (0..levels).fold(Object::Nothing, |inner, _| list([inner]));
        there_and_back([("fine", &nested(LEVELS))]);
        let dir = tempfile::tempdir().unwrap();
        let save = |object: &Object| {
            let path = dir.path().join("deep.ach");
            let bindings = session([("deep", object)]);
            host::save(&Host, path, bindings, &SaveOptions::new()).unwrap_err()
        };
        for levels in [LEVELS + 1, 1000] {
            let error = save(&nested(levels));
            let EnvError::Variable { name, source } = &error else {
                panic!("{error:?}")
            };
            let EnvError::NestingTooDeep { path } = &**source else {
                panic!("{error:?}")
            };
            assert_eq!((name.as_str(), path), ("deep", &"[0]".repeat(LEVELS)));
        }
        let in_cell = record([("c", same(&cell(nested(LEVELS + 1))))]);
        let text = save(&in_cell).to_string();
        assert!(text.contains(".c<cell>[0][0]"), "{text}");
    });
}

#[test]
fn borrowed_kinds_nest_128_levels_on_a_small_stack() {
    on_small_stack(|| {
        let wraps: [fn(ValueRef<'static>) -> ValueRef<'static>; 4] = [
            |inner| {
                ErrorRef {
                    message: "because".into(),
                    kind: None,
                    source: Some(inner),
                }
                .into()
            },
            |inner| {
                ExtensionRef {
                    type_name: "level".into(),
                    parameters: ValueRef::Null,
                    storage: inner,
                }
                .into()
            },
            |inner| ValueRef::Record(vec![("inner".into(), inner)]),
            |inner| {
                UserFunctionRef {
                    details: vec![("inner".into(), inner)],
                    ..Default::default()
                }
                .into()
            },
        ];
        for (kind, wrap) in wraps.into_iter().enumerate() {
            // A function holds its details in a record: two levels.
            let levels = if kind == 3 { LEVELS / 2 } else { LEVELS };
            let value = (0..levels).fold(ValueRef::Null, |inner, _| wrap(inner));
            serialize_value(value.clone()).unwrap();
            let error = serialize_value(wrap(value)).unwrap_err();
            assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        }
    });
}

#[test]
fn what_cannot_be_saved_is_reported_with_its_path() {
    let counter = cell(list([Object::Number(1.0), Object::Socket]));
    let scope: ScopeRc = Rc::new(RefCell::new(vec![
        ("c".to_owned(), same(&counter)),
        ("s".to_owned(), Object::Socket),
    ]));
    let model = record([
        ("f", closure(&scope)),
        ("deep", list([record([("s", Object::Socket)])])),
    ]);
    let (told, adopted) = there_and_back([("model", &model), ("top", &Object::Socket)]);
    let lost = "(socket) is lost: connections cannot be saved";
    assert_eq!(
        told,
        [
            format!("model.deep[0].s {lost}"),
            format!("model.f<scope>.s {lost}"),
            format!("model.f<scope>.c<cell>[1] {lost}"),
            format!("top {lost}"),
        ]
    );
    // The binding itself is left out; what stands in others tells again when it comes back.
    assert_eq!(adopted.bindings.len(), 1);
    let again: Vec<String> = adopted.findings.iter().map(ToString::to_string).collect();
    assert_eq!(again, told[..3]);

    // And is saved again unchanged, without being new.
    let (told_again, third) = there_and_back([("model", found(&adopted, "model"))]);
    assert!(told_again.is_empty());
    assert_eq!(third.findings, adopted.findings);
}

#[test]
fn a_strict_save_that_would_lose_something_leaves_the_old_file_and_tells_what() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.ach");
    let model = record([("n", Object::Number(1.0)), ("s", Object::Socket)]);
    let strict = SaveOptions::new().durable(false).allow_overwrite(true);
    let strict = strict.strict(true);
    let save = |model: &Object, options| host::save(&Host, &path, session([("m", model)]), options);
    save(&Object::Number(1.0), &strict).unwrap();
    let old = std::fs::read(&path).unwrap();
    for lossy in [&model, &Object::Socket] {
        let error = save(lossy, &strict).unwrap_err();
        let EnvError::Lossy { findings, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(findings.len(), 1);
        assert!(error.to_string().contains("(socket) is lost"), "{error}");
        assert!(std::fs::read(&path).unwrap() == old);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
    save(&model, &strict.clone().strict(false)).unwrap();
}

#[test]
fn a_part_that_cannot_be_saved_is_told_even_where_no_placeholder_fits() {
    let mut object = Object::Socket;
    for _ in 0..LEVELS {
        object = list([object]);
    }
    let (told, _) = there_and_back([("deep", &object)]);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("deep[0][0]"), "{told:?}");
}

#[test]
fn a_cell_that_is_being_written_is_reported_and_saved_empty() {
    let busy = cell(Object::Number(1.0));
    let scope: ScopeRc = Rc::new(RefCell::new(vec![("n".to_owned(), Object::Nothing)]));
    let (_writing, _too) = (busy.borrow_mut(), scope.borrow_mut());
    let (told, adopted) = there_and_back([("busy", &same(&busy)), ("f", &closure(&scope))]);
    assert_eq!(
        told,
        [
            "busy<cell> (cell) is lost: it is being written",
            "f<scope> (scope) is lost: it is being written"
        ]
    );
    assert!(scope_of(found(&adopted, "f")).borrow().is_empty());
    assert!(matches!(
        &*cell_of(found(&adopted, "busy")).borrow(),
        Object::Foreign(Value::Extension(_))
    ));
}

#[test]
fn placeholders_of_library_values_save_unchanged() {
    let placeholder = Value::from(Extension::unsupported("generator", "it runs"));
    let value = Value::vector([Value::from(1.0), placeholder]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.ach");
    let report = achronyme_env::save(&path, [("v", &value)], &SaveOptions::new()).unwrap();
    assert!(report.findings.is_empty());
    let back = Archive::open(&path).unwrap().get("v").unwrap();
    assert!(back.identical(&value).unwrap());
}

#[test]
fn what_the_host_does_not_have_is_kept_and_saves_unchanged() {
    let narrow = Tensor::from_vec(vec![1.5f32; 4], [2, 2]).unwrap();
    let unknown = Value::from(Function::Builtin {
        name: "eigenvalues".into(),
    });
    let values = [
        ("narrow", Value::vector([Value::from(narrow)])),
        (
            "unknown",
            Record::from([("solve", unknown), ("n", 1.0.into())]).into(),
        ),
        ("flag", true.into()),
    ];
    let adopted = host::adopt(&mut Host, values.clone()).unwrap();
    let told: Vec<String> = adopted.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "narrow[0] (tensor) is kept unresolved: the tensor holds float32, not float64; ask for \
             float32, or convert the elements yourself",
            "unknown.solve (function) is kept unresolved: there is no builtin 'eigenvalues'",
            "flag (boolean) is kept unresolved: the tiny host has no such kind",
        ]
    );
    assert!(adopted.findings.iter().all(|f| f.outcome.is_loss()));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.ach");
    let bindings = adopted.bindings.iter();
    let bindings = bindings.map(|(name, value)| (name, value, BindingOptions::new()));
    let report = host::save(&Host, &path, bindings, &SaveOptions::new()).unwrap();
    assert!(report.findings.is_empty());
    let archive = Archive::open(&path).unwrap();
    for (name, value) in &values {
        assert!(
            archive.get(name).unwrap().identical(value).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn a_tensor_that_cannot_be_read_ends_the_adoption_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.ach");
    let tensor = Tensor::from_vec(vec![1.5f64; 1000], [1000]).unwrap();
    achronyme_env::save(&path, [("t", &Value::from(tensor))], &SaveOptions::new()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes
        .windows(8)
        .position(|eight| eight == 1.5f64.to_le_bytes())
        .unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let value = Archive::open(&path).unwrap().get("t").unwrap();
    let error = host::adopt(&mut Host, [("t", value)]).unwrap_err();
    assert!(error.fault().is_some(), "{error}");
    assert!(error.to_string().starts_with("variable 't'"), "{error}");
}

#[test]
fn a_host_cell_without_its_contents_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.ach");
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    let value = ValueRef::Vector(vec![ValueRef::HostCell(SharedId(1))]);
    let text = writer.add("v", value).unwrap_err().to_string();
    assert!(
        text.contains("'v'") && text.contains("`add_from`"),
        "{text}"
    );
    // Nodes that name it are written: the file would have a hole.
    assert!(writer.finish().is_err());
    assert!(!path.exists());
}

/// Contents by rule: cells hold numbers, scopes nothing.
struct ByRule {
    asked: Vec<u64>,
}

impl<'a> SharedContents<'a> for ByRule {
    fn contents(&mut self, id: SharedId) -> achronyme_env::Result<ValueRef<'a>> {
        self.asked.push(id.0);
        Ok(match id.0 {
            0..100 => ValueRef::Number(id.0 as f64),
            _ => ValueRef::Record(Vec::new()),
        })
    }
}

#[test]
fn contents_are_asked_for_once_and_identities_do_not_clash() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ids.ach");
    let own = Cell::new(5.0);
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    let mut rule = ByRule { asked: Vec::new() };
    let no = BindingOptions::new();
    // Library cells at addresses that the host uses as identities.
    let address = SharedId(std::ptr::from_ref(&own).addr() as u64 % 90);
    for name in ["a", "b"] {
        let both = vec![ValueRef::HostCell(address), ValueRef::Cell(own.clone())];
        let value = ValueRef::Vector(both);
        writer.add_from(name, value, &no, &mut rule).unwrap();
    }
    let function = |id| UserFunctionRef {
        scope: Some(ScopeRef::Host(SharedId(id))),
        ..Default::default()
    };
    writer.add_from("f", function(200), &no, &mut rule).unwrap();
    let text = writer
        .add_from("g", function(address.0), &no, &mut rule)
        .unwrap_err()
        .to_string();
    assert!(text.contains("as a cell and as a scope"), "{text}");
    writer.finish().unwrap();
    assert_eq!(rule.asked, [address.0, 200]);
    let values = Archive::open(&path)
        .unwrap()
        .load_vars(&["a", "b"])
        .unwrap();
    let cells = |n: usize| match values[n].as_vector().unwrap() {
        [Value::Cell(host), Value::Cell(own)] => (host.clone(), own.clone()),
        other => panic!("{other:?}"),
    };
    let ((host, own), (host_again, own_again)) = (cells(0), cells(1));
    assert!(host.same(&host_again) && own.same(&own_again) && !host.same(&own));
    assert_eq!(host.get().as_f64(), Some(address.0 as f64));
    assert_eq!(own.get().as_f64(), Some(5.0));
}

#[test]
fn a_scope_must_be_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scope.ach");
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new()).unwrap();
    let function = UserFunctionRef {
        scope: Some(ScopeRef::Host(SharedId(1))),
        ..Default::default()
    };
    let mut rule = ByRule { asked: Vec::new() };
    let error = writer.add_from("f", function, &BindingOptions::new(), &mut rule);
    let text = error.unwrap_err().to_string();
    assert!(text.contains("not a record of its bindings"), "{text}");
}

#[test]
fn borrowed_kinds_are_the_bytes_of_owned_ones() {
    let long = "long ".repeat(20_000);
    for text in ["short", "a text of more than eight bytes", &long] {
        let scope = Scope::new(Record::from([("n", 1.0)]));
        let owned: [Value; 5] = [
            UserFunction {
                name: Some(text.into()),
                parameters: vec!["x".into(), text.into()],
                details: Record::from([("hint", text)]),
                source: text.into(),
                scope: Some(scope.clone()),
            }
            .into(),
            Function::Builtin { name: "sin".into() }.into(),
            Edge {
                from: text.into(),
                to: "b".into(),
                directed: true,
                properties: Record::from([("weight", 0.5)]),
            }
            .into(),
            ErrorValue {
                message: text.into(),
                kind: Some("io".into()),
                source: Some(1.0.into()),
            }
            .into(),
            Extension {
                type_name: text.into(),
                parameters: Record::from([("zone", text)]).into(),
                storage: 1i64.into(),
            }
            .into(),
        ];
        let borrowed = |cow: fn(&str) -> Cow<'_, str>| -> [ValueRef<'_>; 5] {
            let function = UserFunctionRef {
                name: Some(cow(text)),
                parameters: vec!["x".into(), cow(text)],
                details: vec![("hint".into(), ValueRef::String(text))],
                source: cow(text),
                scope: Some(ScopeRef::Owned(scope.clone())),
            };
            let edge = EdgeRef {
                from: cow(text),
                to: "b".into(),
                directed: true,
                properties: vec![("weight".into(), 0.5.into())],
            };
            let error = ErrorRef {
                message: cow(text),
                kind: Some("io".into()),
                source: Some(1.0.into()),
            };
            let extension = ExtensionRef {
                type_name: cow(text),
                parameters: ValueRef::Record(vec![("zone".into(), text.into())]),
                storage: 1i64.into(),
            };
            let builtin = FunctionRef::Builtin("sin".into());
            [
                function.into(),
                builtin.into(),
                edge.into(),
                error.into(),
                extension.into(),
            ]
        };
        let owners: [fn(&str) -> Cow<'_, str>; 2] = [
            |text| Cow::Borrowed(text),
            |text| Cow::Owned(text.to_owned()),
        ];
        for cow in owners {
            for (borrowed, owned) in borrowed(cow).into_iter().zip(&owned) {
                let image = serialize_value(borrowed).unwrap();
                let back = deserialize_value(&image).unwrap();
                assert!(back.identical(owned).unwrap(), "{owned:?}");
                assert!(image == serialize_value(owned).unwrap(), "{owned:?}");
            }
        }
    }
}

#[test]
fn converted_elements_are_the_bytes_of_plain_ones_hot_and_cold() {
    let dir = tempfile::tempdir().unwrap();
    for len in [0usize, 1, 3, 257, 100_001] {
        let own: Vec<Complex> = (0..len)
            .map(|n| Complex {
                re: n as f64,
                im: 0.5 - n as f64,
            })
            .collect();
        let plain: Vec<Complex128> = own.iter().map(|z| Complex128::new(z.re, z.im)).collect();
        let shape = [len as u64];
        let convert = |z: &Complex| Complex128::new(z.re, z.im);
        for cold in [false, true] {
            let path = dir.path().join(format!("{len} {cold}.ach"));
            let mut options = SaveOptions::new().durable(false);
            if cold {
                options = options.cold("*");
            }
            let mut writer = ArchiveWriter::create(&path, &options).unwrap();
            let converted = || TensorRef::converted(&own, &shape, convert).unwrap();
            writer.add("converted", converted()).unwrap();
            writer.add("again", converted()).unwrap();
            writer
                .add("plain", TensorRef::new(&plain, &shape).unwrap())
                .unwrap();
            let report = writer.finish().unwrap();
            assert_eq!(report.raw_bytes, len as u64 * 16, "stored once");
            let archive = Archive::open(&path).unwrap();
            let found = archive.tensor("converted").unwrap();
            assert_eq!(found.as_slice::<Complex128>().unwrap(), plain);
        }
    }
    let own = [Complex { re: 1.0, im: 2.0 }];
    let wrong = TensorRef::converted(&own, &[2], |z| z.re).unwrap_err();
    assert!(
        wrong.to_string().contains("needs 16 bytes, 8 are given"),
        "{wrong}"
    );
}

#[test]
fn a_value_image_of_what_cannot_be_saved_is_an_error() {
    let value = ValueRef::Vector(vec![ValueRef::unsupported("socket", "it is open")]);
    let text = serialize_value(value).unwrap_err().to_string();
    assert_eq!(text, "[0] (a socket): it is open");
    let text = serialize_value(ValueRef::unsupported("socket", "it is open"));
    assert_eq!(text.unwrap_err().to_string(), "a socket: it is open");
}

#[test]
fn outcomes_of_notes_are_told_as_given() {
    struct Teller;
    impl host::Adopt for Teller {
        type Value = f64;
        type Cell = Rc<RefCell<f64>>;
        type Scope = Rc<RefCell<()>>;
        fn adopt(
            &mut self,
            _: host::Parts<Teller>,
            notes: &mut host::Notes,
        ) -> Result<f64, host::Refusal> {
            notes.tell(Outcome::Warning, "it is rounded");
            Ok(0.0)
        }
        fn keep(&mut self, _: Value) -> f64 {
            f64::NAN
        }
        fn fill_cell(&mut self, _: &Self::Cell, _: f64) {}
        fn fill_scope(&mut self, _: &Self::Scope, _: Vec<(std::sync::Arc<str>, f64)>) {}
    }
    let adopted = host::adopt(&mut Teller, [("n", Value::from(1.5))]).unwrap();
    assert_eq!(
        adopted.findings[0].to_string(),
        "n (number) is kept, but: it is rounded"
    );
}
