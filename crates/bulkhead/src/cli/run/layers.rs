//! Which layers a run has: what was asked for, less what the machine lacks and somebody accepted.

use bulkhead_contain::{Layer, Layers};

use super::super::Failure;
use super::Args;

/// What is no layer of the kernel's, and can be left out all the same: variables, limits, the way out and its secrets.
const OURS: [&str; 4] = ["environment", "limits", "egress", "broker"];

/// Whether somebody asked for a run without it.
pub(super) fn leaves_out(args: &Args, layer: &str) -> bool {
    args.without.iter().any(|name| name == layer)
        || args.only.as_ref().is_some_and(|only| !only.iter().any(|name| name == layer))
}

/// The layers of a run.
pub(super) fn layers(args: &Args, accepted: &[&str]) -> Result<Layers, Failure> {
    let layer = |name: &String| match (Layer::parse(name), name.as_str()) {
        (Some(layer), _) => Ok(Some(layer)),
        (None, ours) if OURS.contains(&ours) => Ok(None),
        _ => {
            let known: Vec<&str> = Layer::ALL.into_iter().map(Layer::as_str).collect();
            Err(Failure::Usage(format!(
                "there is no layer {name}; the layers are {}, {}",
                known.join(", "),
                OURS.join(", ")
            )))
        }
    };
    let mut layers = match &args.only {
        Some(only) => only.iter().map(layer).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect(),
        None if args.observe => [Layer::Tripwires, Layer::Processes, Layer::Evidence].into_iter().collect(),
        None => Layers::FULL,
    };
    for name in &args.without {
        if let Some(layer) = layer(name)? {
            layers = layers.without(layer);
        }
    }
    for name in accepted {
        layers = lost(name).0.iter().fold(layers, |layers, layer| layers.without(*layer));
    }
    Ok(layers)
}

/// Of what may be missing, what is: nobody gives up a layer that this machine has.
pub(super) fn accepted(args: &Args) -> Result<Vec<&'static str>, Failure> {
    if args.accept_degraded.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(other) = args.accept_degraded.iter().find(|name| !Layer::KERNEL.contains(&name.as_str())) {
        let known = Layer::KERNEL.join(", ");
        return Err(Failure::Usage(format!("--accept-degraded does not know `{other}`; it knows {known}")));
    }
    let missing = bulkhead_contain::lacking().into_iter();
    Ok(missing.filter(|name| args.accept_degraded.iter().any(|accepted| accepted == name)).collect())
}

/// Layers that a run does without where that is missing, and what is lost with it.
pub(super) fn lost(name: &str) -> (&'static [Layer], &'static str) {
    match name {
        "userns" => (
            &[Layer::Files, Layer::Network, Layer::Processes, Layer::Tripwires],
            "no namespaces: landlock keeps homes and all but the work directory out of reach, there are no sockets but Unix pairs, \
             protected paths and `.env` of the work directory are as open as the rest of it",
        ),
        "mountns" | "namespaces" => (
            &[Layer::Files, Layer::Network, Layer::Processes, Layer::Tripwires],
            "no view of files of its own: as without userns",
        ),
        "netns" => (&[Layer::Network], "no network of its own: there are no internet sockets, not even for loopback"),
        "pidns" => (&[Layer::Processes], "other processes are in sight, and what detaches itself outlives the run"),
        "fuse" => (
            &[Layer::Tripwires],
            "credentials are decoys: attempts are recorded without the process, and those on what is not there are not recorded",
        ),
        "seccomp" => (
            &[Layer::Syscalls, Layer::Evidence],
            "no system call filter, and no record of writes and connects that come to nothing",
        ),
        "landlock" => (&[Layer::Landlock], "files are kept by the mounts alone"),
        "landlock-truncate" => (&[], "landlock does not judge truncating"),
        "landlock-tcp" => (&[], "landlock does not judge TCP"),
        "landlock-ioctl" => (&[], "landlock does not judge commands to devices"),
        "landlock-scopes" => (&[], "landlock does not judge signals and abstract sockets; the namespaces do"),
        _ => (&[], ""),
    }
}

/// What is lost in all with what was accepted.
pub(super) fn losses(accepted: &[&str], layers: Layers) -> Vec<String> {
    let mut losses: Vec<String> = accepted.iter().map(|name| format!("{name}: {}", lost(name).1)).collect();
    if !accepted.is_empty() && !layers.has(Layer::Files) && !layers.has(Layer::Landlock) {
        losses.push(
            "all of these: nothing keeps the program from any file of its user, credentials among them".to_owned(),
        );
    }
    losses
}
