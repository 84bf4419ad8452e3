//! scratch
use achronyme_env::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let path = std::path::Path::new(&a[2]);
    let o = SessionOptions::new().create(true).checkpoint_at(None);
    match &*a[1] {
        "make" => {
            let frames: usize = a[3].parse().unwrap();
            let names: usize = a[4].parse().unwrap();
            let mut s = o.open(path).unwrap();
            for f in 0..frames {
                s.set(&format!("session/var{:06}", f % names), f as f64).unwrap();
                if f % 1000 == 999 { s.commit().unwrap(); }
            }
            if a.len() > 5 { s.restore_at(&Moment::Sequence(0)).unwrap(); }
        }
        "open" => {
            for _ in 0..a[3].parse().unwrap() {
                let now = || { let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime); t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9 };
                let t = now();
                let r = SessionReader::open(path).unwrap();
                eprintln!("{:.1} ms, {} frames, {} names", (now() - t) * 1e3, r.unfolded(), r.archive().len());
            }
        }
        _ => {
            let mut s = o.open(path).unwrap();
            let n: usize = a[3].parse().unwrap();
            for f in 0..n { s.set("x", f as f64).unwrap(); s.commit().unwrap(); }
        }
    }
}
