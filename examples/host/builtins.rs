//! What the language brings: arithmetic, tensors, generators, and saving and restoring a session.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use crate::eval::Interpreter;
use crate::persist;
use crate::value::{HostComplex, HostTensor, Object};

pub(crate) const NAMES: [&str; 18] = [
    "abs",
    "complex",
    "count_from",
    "cos",
    "exp",
    "len",
    "map",
    "next",
    "print",
    "range",
    "reshape",
    "restore_env",
    "save_env",
    "sin",
    "sqrt",
    "sum",
    "tensor",
    "zeros",
];

pub(crate) fn call(
    interpreter: &mut Interpreter,
    name: &str,
    arguments: Vec<Object>,
) -> Result<Object, String> {
    use Object::{Complex, ComplexTensor, Generator, Null, Number, Record, Tensor, Text, Vector};
    Ok(match (name, arguments.as_slice()) {
        ("sin" | "cos" | "exp" | "sqrt" | "abs", [x]) => elementwise(name, x)?,
        ("sum", [Tensor(t)]) => Number(t.data.iter().sum()),
        ("sum", [ComplexTensor(t)]) => Complex(HostComplex {
            re: t.data.iter().map(|z| z.re).sum(),
            im: t.data.iter().map(|z| z.im).sum(),
        }),
        ("len", [Vector(items)]) => Number(items.len() as f64),
        ("len", [Text(text)]) => Number(text.chars().count() as f64),
        ("len", [Tensor(t)]) => Number(t.data.len() as f64),
        ("len", [ComplexTensor(t)]) => Number(t.data.len() as f64),
        ("range", [end]) => {
            let end = length(end)?;
            tensor((0..end).map(|n| n as f64).collect(), vec![end])?
        }
        ("zeros", lengths) => {
            let shape: Vec<usize> = lengths.iter().map(length).collect::<Result<_, _>>()?;
            let count = shape.iter().try_fold(1, |n: usize, m| n.checked_mul(*m));
            let count = count.filter(|n| *n <= 1 << 32).ok_or("too large")?;
            tensor(vec![0.0; count], shape)?
        }
        ("reshape", [Tensor(t), lengths @ ..]) => {
            let shape = lengths.iter().map(length).collect::<Result<_, _>>()?;
            tensor(t.data.clone(), shape)?
        }
        ("tensor", [value]) => {
            let (mut data, mut shape) = (Vec::new(), Vec::new());
            gather(value, 0, &mut data, &mut shape)?;
            tensor(data, shape)?
        }
        ("complex", [Number(re), Number(im)]) => Complex(HostComplex { re: *re, im: *im }),
        ("complex", [Tensor(re), Tensor(im)]) if re.shape == im.shape => {
            let parts = re.data.iter().zip(&im.data);
            let data = parts.map(|(re, im)| HostComplex { re: *re, im: *im });
            let tensor = HostTensor::new(data.collect(), re.shape.clone())?;
            ComplexTensor(Rc::new(tensor))
        }
        ("map", [Vector(items), function]) => {
            let items = items.iter().map(|item| {
                let argument = vec![item.clone()];
                interpreter.call(function, argument)
            });
            Vector(Rc::new(items.collect::<Result<_, _>>()?))
        }
        ("count_from", [Number(start)]) => {
            let mut next = *start;
            let step = move || {
                next += 1.0;
                next - 1.0
            };
            Generator(Rc::new(RefCell::new(Box::new(step))))
        }
        ("next", [Generator(generator)]) => Number(generator.borrow_mut()()),
        ("print", values) => {
            let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            println!("{}", texts.join(" "));
            Null
        }
        ("save_env", [Text(path)]) => persist::save(interpreter, Path::new(&**path), &[])?,
        ("save_env", [Text(path), Record(options)]) => {
            let options: Vec<(&String, &Object)> = options.iter().collect();
            persist::save(interpreter, Path::new(&**path), &options)?
        }
        ("restore_env", [Text(path)]) => persist::restore(interpreter, Path::new(&**path))?,
        _ => {
            let kinds: Vec<&str> = arguments.iter().map(Object::kind).collect();
            return Err(format!("{name} cannot take ({})", kinds.join(", ")));
        }
    })
}

fn tensor(data: Vec<f64>, shape: Vec<usize>) -> Result<Object, String> {
    Ok(Object::Tensor(Rc::new(HostTensor::new(data, shape)?)))
}

fn length(value: &Object) -> Result<usize, String> {
    match value {
        Object::Number(n) if *n >= 0.0 && n.fract() == 0.0 && *n <= 1e12 => Ok(*n as usize),
        other => Err(format!("{other} is not a length")),
    }
}

/// The numbers of nested vectors, and their shape.
fn gather(
    value: &Object,
    level: usize,
    data: &mut Vec<f64>,
    shape: &mut Vec<usize>,
) -> Result<(), String> {
    match value {
        Object::Number(number) if level == shape.len() => data.push(*number),
        Object::Vector(items) => {
            if level == shape.len() && data.is_empty() && level < 16 {
                shape.push(items.len());
            }
            if shape.get(level) != Some(&items.len()) {
                return Err("the rows differ in length".to_owned());
            }
            for item in items.iter() {
                gather(item, level + 1, data, shape)?;
            }
        }
        other => return Err(format!("a {} cannot stand in a tensor", other.kind())),
    }
    Ok(())
}

fn elementwise(name: &str, value: &Object) -> Result<Object, String> {
    let function = match name {
        "sin" => f64::sin,
        "cos" => f64::cos,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        _ => f64::abs,
    };
    match value {
        Object::Number(number) => Ok(Object::Number(function(*number))),
        Object::Tensor(t) => tensor(
            t.data.iter().map(|x| function(*x)).collect(),
            t.shape.clone(),
        ),
        Object::Complex(z) if name == "abs" => Ok(Object::Number(z.re.hypot(z.im))),
        Object::ComplexTensor(t) if name == "abs" => {
            let data = t.data.iter().map(|z| z.re.hypot(z.im)).collect();
            tensor(data, t.shape.clone())
        }
        other => Err(format!("{name} cannot take a {}", other.kind())),
    }
}

/// `value[index]`: an element of a vector or tensor, or a row of a tensor.
pub(crate) fn index(value: &Object, index: &Object) -> Result<Object, String> {
    let at = length(index)?;
    let outside = || format!("there is no element {at}");
    match value {
        Object::Vector(items) => items.get(at).map(Object::read).ok_or_else(outside),
        Object::Tensor(t) => {
            let (row, shape) = row(t, at).ok_or_else(outside)?;
            match row {
                [number] if shape.is_empty() => Ok(Object::Number(*number)),
                row => tensor(row.to_vec(), shape.to_vec()),
            }
        }
        Object::ComplexTensor(t) => {
            let (row, shape) = row(t, at).ok_or_else(outside)?;
            match row {
                [z] if shape.is_empty() => Ok(Object::Complex(*z)),
                row => {
                    let tensor = HostTensor::new(row.to_vec(), shape.to_vec())?;
                    Ok(Object::ComplexTensor(Rc::new(tensor)))
                }
            }
        }
        other => Err(format!("a {} has no elements", other.kind())),
    }
}

fn row<T>(tensor: &HostTensor<T>, at: usize) -> Option<(&[T], &[usize])> {
    let (rows, shape) = tensor.shape.split_first()?;
    let step = *tensor.strides.first()?;
    (at < *rows).then(|| (&tensor.data[at * step..][..step], shape))
}

pub(crate) fn arithmetic(operator: &str, a: &Object, b: &Object) -> Result<Object, String> {
    use Object::{Boolean, Complex, Null, Number, Tensor, Text};
    let refused = || format!("cannot {operator} a {} and a {}", a.kind(), b.kind());
    Ok(match (operator, a, b) {
        ("==", _, _) => Boolean(equal(a, b)),
        ("!=", _, _) => Boolean(!equal(a, b)),
        ("<", Number(a), Number(b)) => Boolean(a < b),
        (">", Number(a), Number(b)) => Boolean(a > b),
        ("<=", Number(a), Number(b)) => Boolean(a <= b),
        (">=", Number(a), Number(b)) => Boolean(a >= b),
        ("+", Text(a), Text(b)) => Text(format!("{a}{b}").into()),
        (_, Null, _) | (_, _, Null) => return Err(refused()),
        (_, Number(a), Number(b)) => Number(numbers(operator, *a, *b).ok_or_else(refused)?),
        (_, Complex(_) | Number(_), Complex(_) | Number(_)) => {
            let (Some(a), Some(b)) = (complex(a), complex(b)) else {
                return Err(refused());
            };
            Complex(complexes(operator, a, b).ok_or_else(refused)?)
        }
        (_, Tensor(t), Number(n)) => {
            let data = t.data.iter().map(|x| numbers(operator, *x, *n));
            let data = data.collect::<Option<_>>().ok_or_else(refused)?;
            tensor(data, t.shape.clone())?
        }
        (_, Number(n), Tensor(t)) => {
            let data = t.data.iter().map(|x| numbers(operator, *n, *x));
            let data = data.collect::<Option<_>>().ok_or_else(refused)?;
            tensor(data, t.shape.clone())?
        }
        (_, Tensor(a), Tensor(b)) if a.shape == b.shape => {
            let pairs = a.data.iter().zip(&b.data);
            let data = pairs.map(|(x, y)| numbers(operator, *x, *y));
            let data = data.collect::<Option<_>>().ok_or_else(refused)?;
            tensor(data, a.shape.clone())?
        }
        _ => return Err(refused()),
    })
}

fn numbers(operator: &str, a: f64, b: f64) -> Option<f64> {
    Some(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "%" => a % b,
        "^" => a.powf(b),
        _ => return None,
    })
}

fn complex(value: &Object) -> Option<HostComplex> {
    match value {
        Object::Number(re) => Some(HostComplex { re: *re, im: 0.0 }),
        Object::Complex(z) => Some(*z),
        _ => None,
    }
}

fn complexes(operator: &str, a: HostComplex, b: HostComplex) -> Option<HostComplex> {
    let (re, im) = match operator {
        "+" => (a.re + b.re, a.im + b.im),
        "-" => (a.re - b.re, a.im - b.im),
        "*" => (a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re),
        "/" => {
            let size = b.re * b.re + b.im * b.im;
            let (re, im) = (a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im);
            (re / size, im / size)
        }
        _ => return None,
    };
    Some(HostComplex { re, im })
}

/// Scalars and texts by value, tensors by elements, anything else by identity.
fn equal(a: &Object, b: &Object) -> bool {
    match (a, b) {
        (Object::Null, Object::Null) => true,
        (Object::Boolean(a), Object::Boolean(b)) => a == b,
        (Object::Number(a), Object::Number(b)) => a == b,
        (Object::Text(a), Object::Text(b)) => a == b,
        (Object::Tensor(a), Object::Tensor(b)) => a.shape == b.shape && a.data == b.data,
        (Object::ComplexTensor(a), Object::ComplexTensor(b)) => {
            a.shape == b.shape && a.data == b.data
        }
        (Object::Vector(a), Object::Vector(b)) => Rc::ptr_eq(a, b),
        (Object::Record(a), Object::Record(b)) => Rc::ptr_eq(a, b),
        (Object::Function(a), Object::Function(b)) => Rc::ptr_eq(a, b),
        _ => matches!((complex(a), complex(b)), (Some(a), Some(b)) if a == b),
    }
}
