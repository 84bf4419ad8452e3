//! A simulation that keeps its state as its own Rust type: saved, mapped again and read in place;
//! and seen by a later version of the program, whose state has changed.
//!
//! ```console
//! $ cargo run --example simulation_state -- state.ach
//! ```

#![allow(unsafe_code)] // Mapping a file is a promise of the program: see below.

use std::path::Path;
use std::process::ExitCode;

use achronyme_env::{Archive, EnvError, Schema, TypeRegistry, layout};
use achronyme_env::{SaveOptions, save};

/// The program as it was.
mod version1 {
    use achronyme_env::rkyv::{Archive, Serialize};

    #[derive(Archive, Serialize)]
    #[rkyv(crate = achronyme_env::rkyv)]
    pub(crate) struct State {
        pub(crate) step: u64,
        pub(crate) positions: Vec<[f64; 2]>,
        pub(crate) velocities: Vec<[f64; 2]>,
    }
}

/// The program as it is: bodies have masses, and the time is kept.
mod version2 {
    use achronyme_env::rkyv::{Archive, Serialize};

    #[derive(Archive, Serialize)]
    #[rkyv(crate = achronyme_env::rkyv)]
    pub(crate) struct Body {
        pub(crate) mass: f64,
        pub(crate) position: [f64; 2],
        pub(crate) velocity: [f64; 2],
    }

    #[derive(Archive, Serialize)]
    #[rkyv(crate = achronyme_env::rkyv)]
    pub(crate) struct State {
        pub(crate) step: u64,
        /// In seconds.
        pub(crate) time: f64,
        pub(crate) bodies: Vec<Body>,
    }
}

/// Seconds in a step of version 1.
const STEP: f64 = 0.001;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: simulation_state FILE.ach");
        return ExitCode::FAILURE;
    };
    match run(path.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulation_state: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path) -> Result<(), EnvError> {
    let then = types_of_version1()?;
    save_version1(path, &then)?;
    see_in_place(path, &then)?;
    let now = types_of_version2()?;
    upgrade(path, &now)?;
    // The program as it was meets a file of the program as it is.
    if let Err(error) = Archive::open(path)?.typed::<version1::State>("state", &then) {
        println!("version 1 of the program: {error}");
    }
    Ok(())
}

fn types_of_version1() -> Result<TypeRegistry, EnvError> {
    use version1::State;
    let layout = layout!(State {
        step: u64,
        positions: Vec<[f64; 2]>,
        velocities: Vec<[f64; 2]>,
    });
    let schema = Schema::new("nbody.State", 1, layout).validate(|state| {
        match state.positions.len() == state.velocities.len() {
            true => Ok(()),
            false => Err("there are not as many velocities as positions".to_owned()),
        }
    });
    let mut registry = TypeRegistry::new();
    registry.register(schema)?;
    Ok(registry)
}

fn types_of_version2() -> Result<TypeRegistry, EnvError> {
    use version2::{Body, State};
    let body = layout!(Body {
        mass: f64,
        position: [f64; 2],
        velocity: [f64; 2]
    });
    let state = layout!(State { step: u64, time: f64, bodies: Vec<Body> }).with(&body);
    // What version 1 wrote is known as before.
    let mut registry = types_of_version1()?;
    registry.register(Schema::new("nbody.State", 2, state))?;
    registry.upgrade::<version1::State, State>(|old| {
        let pairs = old.positions.iter().zip(old.velocities.iter());
        let bodies = pairs.map(|(position, velocity)| Body {
            mass: 1.0,
            position: position.map(|x| x.to_native()),
            velocity: velocity.map(|v| v.to_native()),
        });
        Ok(State {
            step: old.step.to_native(),
            time: old.step.to_native() as f64 * STEP,
            bodies: bodies.collect(),
        })
    })?;
    Ok(registry)
}

fn save_version1(path: &Path, types: &TypeRegistry) -> Result<(), EnvError> {
    let state = version1::State {
        step: 1500,
        positions: (0..1000).map(|n| [n as f64, 0.5]).collect(),
        velocities: vec![[0.0, -1.0]; 1000],
    };
    let options = SaveOptions::new().allow_overwrite(true);
    save(path, [("state", types.value(&state)?)], &options)?;
    Ok(())
}

fn see_in_place(path: &Path, types: &TypeRegistry) -> Result<(), EnvError> {
    // SAFETY: nobody writes to the file in place: this program only replaces it.
    let archive = unsafe { Archive::open_mmap(path)? };
    let state = archive.typed::<version1::State>("state", types)?;
    println!("saved at step {}", state.step);
    println!(
        "{} bodies, the last at {:?}",
        state.positions.len(),
        state.positions[999]
    );
    let mapped = archive.get("state")?;
    if let achronyme_env::Value::Typed(bytes) = &mapped {
        let range = bytes.bytes.as_bytes()?.as_ptr_range();
        let in_place = range.contains(&std::ptr::from_ref(&state.positions[999]).cast());
        println!("in place: {in_place}");
    }
    Ok(())
}

fn upgrade(path: &Path, types: &TypeRegistry) -> Result<(), EnvError> {
    let archive = Archive::open(path)?;
    let state = archive.typed::<version2::State>("state", types)?;
    if let Some(version) = state.upgraded_from() {
        println!("upgraded from version {version}: time {} s", state.time);
    }
    let last = &state.bodies[999];
    println!("the last body at {:?}, mass {}", last.position, last.mass);
    // What is saved is of version 2 from now on.
    let current = types.current(&archive.get("state")?)?;
    let options = SaveOptions::new().allow_overwrite(true);
    save(path, [("state", current)], &options)?;
    let again = Archive::open(path)?;
    let again = again.typed::<version2::State>("state", types)?;
    println!("saved anew, upgraded: {}", again.upgraded_from().is_some());
    Ok(())
}
