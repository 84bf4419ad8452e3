//! Nodes beside what rkyv itself writes of the same trees.

use std::io::Cursor;
use std::sync::Arc;

use rkyv::rancor::BoxedError;

use crate::format::NONE;
use crate::format::records::Slot;
use crate::tree::build::Builder;
use crate::tree::node::Node;
use crate::tree::schema::*;
use crate::value::{
    Callable, Complex128, DType, Edge, ErrorValue, Extension, Function, NoContents, Record,
    StringArray, Tensor, Typed, UserFunction, Value,
};

/// The nodes of a value, in order.
fn nodes(value: &Value) -> Vec<Vec<u8>> {
    let spool = || Cursor::new(Vec::new());
    let mut builder = Builder::new(spool(), spool());
    let slot = builder.add(&value.into(), false, &mut NoContents).unwrap();
    assert!(matches!(slot, Slot::Node(_)), "{slot:?}");
    let built = builder.finish_nodes([spool(), spool()]).unwrap();
    let [ordinary, shared] = built.spools.map(Cursor::into_inner);
    let bytes = [ordinary, shared].concat();
    let mut rest = bytes.as_slice();
    built
        .nodes
        .iter()
        .map(|node| {
            let (bytes, after) = rest.split_at(node.len as usize);
            rest = after;
            assert_eq!(crc32fast::hash(bytes), node.crc);
            bytes.to_vec()
        })
        .collect()
}

fn written_by_rkyv(tree: &Tree) -> Vec<u8> {
    rkyv::to_bytes::<BoxedError>(tree).unwrap().to_vec()
}

fn string(text: &str) -> Tree {
    Tree::String(text.to_owned())
}

fn field(name: &str, value: Tree) -> FieldTree {
    FieldTree {
        name: name.to_owned(),
        value,
    }
}

/// Texts on both sides of what stands in a string itself, and of alignment.
const TEXTS: [&str; 6] = [
    "",
    "x",
    "sixteen bytes ..",
    "seventeen bytes .",
    "text of thirty bytes, and two.",
    "é€𝄞 and some more of it, until it is long enough to need more than six bits for its length",
];

/// A value of every kind, and its tree; extents are numbered as they are met.
fn samples() -> Vec<(Value, Tree)> {
    let numbers = Tensor::from_vec(vec![1.0, 2.0, 3.0], [3, 1]).unwrap();
    let strings = StringArray::new(["a", "bc"], [2]).unwrap();
    let properties = Record::from([("weight", Value::from(0.5))]);
    let properties_tree = || Tree::Record(vec![field("weight", Tree::Number(0.5))]);
    let typed = Typed {
        type_name: "sim.State".into(),
        fingerprint: 0x1122_3344_5566_7788,
        version: 3,
        alignment: 16,
        bytes: Tensor::from_vec(vec![1_u8, 2, 3], [3]).unwrap(),
    };
    let function = UserFunction {
        name: Some("f".into()),
        parameters: vec!["a".into(), "a parameter with a long name".into()],
        details: properties.clone(),
        source: "a + 1 + something that is longer than a string".into(),
        scope: None,
    };
    let error = ErrorValue {
        message: "a message that stands outside".into(),
        kind: None,
        source: Some(Value::from(1)),
    };
    let cases: Vec<(Value, Tree)> = vec![
        (Value::Null, Tree::Null),
        (true.into(), Tree::Boolean(true)),
        ((-7).into(), Tree::Integer(-7)),
        (2.5.into(), Tree::Number(2.5)),
        (
            Complex128 { re: 1.0, im: -2.0 }.into(),
            Tree::Complex(1.0, -2.0),
        ),
        (
            Value::Bytes(Arc::from(&b"bytes"[..])),
            Tree::Bytes(b"bytes".to_vec()),
        ),
        (Value::Bytes(Arc::from(&b""[..])), Tree::Bytes(Vec::new())),
        (
            Value::vector([1, 2]),
            Tree::Vector(vec![Tree::Integer(1), Tree::Integer(2)]),
        ),
        (Value::vector::<Value>([]), Tree::Vector(Vec::new())),
        (Record::new().into(), Tree::Record(Vec::new())),
        (
            numbers.into(),
            Tree::Tensor(Box::new(TensorTree {
                shape: vec![3, 1],
                extent: 0,
                dtype: DType::F64.code(),
                order: 0,
                zero: 0,
            })),
        ),
        (
            strings.into(),
            Tree::StringArray(Box::new(StringArrayTree {
                shape: vec![2],
                offsets: 1,
                bytes: 2,
                byte_len: 3,
            })),
        ),
        (
            Value::Edge(Arc::new(Edge {
                from: "a".into(),
                to: "a node with a long name".into(),
                directed: true,
                properties,
            })),
            Tree::Edge(Box::new(EdgeTree {
                from: string("a"),
                to: string("a node with a long name"),
                properties: properties_tree(),
                directed: 1,
            })),
        ),
        (
            Value::Function(Callable::new(Function::Builtin { name: "sin".into() })),
            Tree::Builtin("sin".to_owned()),
        ),
        (
            Value::Function(Callable::new(Function::User(function))),
            Tree::Function(Box::new(FunctionTree {
                name: string("f"),
                parameters: Tree::Vector(vec![string("a"), string("a parameter with a long name")]),
                details: properties_tree(),
                source: string("a + 1 + something that is longer than a string"),
                scope: NONE.into(),
            })),
        ),
        (
            Value::Error(Arc::new(error)),
            Tree::Error(Box::new(ErrorTree {
                message: string("a message that stands outside"),
                kind: Tree::Null,
                source: Tree::Integer(1),
                has_source: 1,
            })),
        ),
        (
            Value::Extension(Arc::new(Extension {
                type_name: "a.type".into(),
                parameters: Value::Null,
                storage: Value::vector([true]),
            })),
            Tree::Extension(Box::new(ExtensionTree {
                type_name: string("a.type"),
                parameters: Tree::Null,
                storage: Tree::Vector(vec![Tree::Boolean(true)]),
            })),
        ),
        (
            Value::Typed(Arc::new(typed)),
            Tree::Typed(Box::new(TypedTree {
                type_name: string("sim.State"),
                fingerprint: 0x1122_3344_5566_7788,
                byte_len: 3,
                version: 3,
                alignment: 16,
                extent: 3,
                zero: 0,
            })),
        ),
    ];
    let texts = TEXTS.map(|text| (Value::from(text), string(text)));
    cases.into_iter().chain(texts).collect()
}

#[test]
fn every_kind_stands_in_a_vector_as_rkyv_writes_it() {
    let (values, trees): (Vec<Value>, Vec<Tree>) = samples().into_iter().unzip();
    let vector = Value::Vector(values.into());
    assert_eq!(nodes(&vector), [written_by_rkyv(&Tree::Vector(trees))]);
}

#[test]
fn every_kind_stands_in_a_record_as_rkyv_writes_it() {
    let name = |n: usize| format!("{n}{}", "long".repeat(n % 6));
    let (values, trees): (Vec<Value>, Vec<Tree>) = samples().into_iter().unzip();
    let trees = trees.into_iter().enumerate();
    let fields: Vec<FieldTree> = trees.map(|(n, tree)| field(&name(n), tree)).collect();
    let mut index: Vec<IndexEntry> = (0..values.len())
        .map(|n| IndexEntry {
            hash: crc32fast::hash(name(n).as_bytes()),
            ordinal: n as u32,
        })
        .collect();
    index.sort_unstable();
    let tree = Tree::IndexedRecord(Box::new(IndexedRecordTree { fields, index }));
    let values = values.into_iter().enumerate();
    let record: Record = values.map(|(n, value)| (name(n), value)).collect();
    assert_eq!(nodes(&record.into()), [written_by_rkyv(&tree)]);
}

/// Texts of all lengths stand before what is cut off, so that it begins anywhere.
#[test]
fn nodes_that_are_cut_off_are_trees_of_their_own() {
    let text = |n: usize| Value::from("t".repeat(n % 41));
    let large = |n: usize| match n % 3 {
        0 => Value::vector((0..200 + n % 7).map(text)),
        1 => (0..200 + n % 7)
            .map(|i| (format!("{i:0>w$}", w = i % 23 + 3), text(i)))
            .collect::<Record>()
            .into(),
        _ => Value::Edge(Arc::new(Edge {
            from: "f".repeat(n % 19).into(),
            to: "t".repeat(5000 + n % 19).into(),
            directed: false,
            properties: Record::new(),
        })),
    };
    let mixed = |n: usize| match n % 5 {
        0 | 1 => text(n),
        2 => Value::vector([text(n), Value::vector::<Value>([]), Value::Null]),
        3 => Value::vector::<Value>([]),
        _ => large(n / 5),
    };
    let vector = Value::vector((0..6000).map(mixed));
    let record: Record = (0..6000)
        .map(|n| (format!("{n}{}", "n".repeat(n % 29)), mixed(n)))
        .collect();
    for value in [vector, record.into()] {
        let nodes = nodes(&value);
        assert!(nodes.len() > 1000, "{}", nodes.len());
        for node in nodes {
            let words: Vec<u64> = bytemuck::pod_collect_to_vec(&node);
            Node::check(words.into()).unwrap();
        }
        let image = crate::serialize_value(&value).unwrap();
        let back = crate::deserialize_value(&image).unwrap();
        assert!(back.identical(&value).unwrap());
    }
}
