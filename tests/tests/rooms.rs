//! The folders of the page's modules, which depend on each other in one direction.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use tests::modules::{self, Modules, ROOMS};

/// The page has to name it, but does not import it.
const SERVICE_WORKER: &str = "service-worker.js";

/// The position of a module's folder among the rooms; entries at the root come after all.
fn rank(module: &str) -> Result<usize> {
    let Some((room, _)) = module.split_once('/') else {
        return Ok(ROOMS.len());
    };
    let rank = ROOMS.iter().position(|known| *known == room);
    rank.with_context(|| format!("{module} is in none of the rooms {ROOMS:?}"))
}

#[test]
fn modules_need_only_modules_of_their_own_room_and_of_those_below() -> Result<()> {
    let modules = modules::all()?;
    ensure!(ROOMS.iter().all(|room| {
        let mut names = modules.keys();
        names.any(|name| name.starts_with(room))
    }));
    for (module, needed) in &modules {
        for other in needed.iter().filter(|other| *other != SERVICE_WORKER) {
            let is_style = other.ends_with(".css");
            ensure!(
                is_style || modules.contains_key(other),
                "{module} names {other}"
            );
            let (from, to) = (rank(module)?, rank(other)?);
            ensure!(to <= from && to < ROOMS.len(), "{module} needs {other}");
        }
    }
    Ok(())
}

#[test]
fn no_modules_import_each_other_in_a_circle() -> Result<()> {
    let modules = modules::all()?;
    let mut finished = BTreeSet::new();
    for module in modules.keys() {
        follow(module, &modules, &mut Vec::new(), &mut finished)?;
    }
    ensure!(finished.len() > 40, "only {} modules", finished.len());
    Ok(())
}

fn follow<'a>(
    module: &'a str,
    modules: &'a Modules,
    path: &mut Vec<&'a str>,
    finished: &mut BTreeSet<&'a str>,
) -> Result<()> {
    ensure!(!path.contains(&module), "{} → {module}", path.join(" → "));
    if finished.contains(module) {
        return Ok(());
    }
    path.push(module);
    for other in modules.get(module).into_iter().flatten() {
        follow(other, modules, path, finished)?;
    }
    path.pop();
    finished.insert(module);
    Ok(())
}
