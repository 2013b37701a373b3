//! Chains from source to sink, told from the abilities of one file. The detectors look for the same with the values in hand;
//! here only what a profile keeps is known, so a chain is a claim about one file at one time.

use crate::behaviour::{Ability, Sources};
use crate::profile::Act;

/// One chain in a file.
pub(super) struct Chain<'a> {
    /// Which kind; a stable word.
    pub(super) kind: &'static str,
    /// As the end of a sentence: "this file now ...".
    pub(super) says: &'static str,
    /// The acts that make it, the sink last.
    pub(super) links: Vec<&'a Act>,
    /// Whether the value was followed from source to sink, or the abilities leave no honest reading.
    pub(super) sure: bool,
}

/// What newly flowing into a known act makes it another act.
pub(super) fn tainted(from: Sources) -> Sources {
    let ignored =
        Sources::NONE.with(Sources::UNKNOWN).with(Sources::LITERAL).with(Sources::FILE).with(Sources::OWN_FILE);
    from.without(ignored).without(Sources::SYSTEM)
}

/// The chains among what one file does unasked.
pub(super) fn of<'a>(acts: &[&'a Act]) -> Vec<Chain<'a>> {
    let find = |abilities: &[Ability]| acts.iter().copied().find(|act| abilities.contains(&act.ability));
    let mut chains = Vec::new();
    let mut chain = |kind, says, links: Vec<&'a Act>, sure| chains.push(Chain { kind, says, links, sure });

    let execute = find(&[Ability::Execute]);
    if let Some(execute) = execute {
        let opaque = Sources::DECODED.with(Sources::NETWORK).with(Sources::BUILT);
        if execute.from.any(opaque) {
            chain("decode-execute", "executes what it decoded or fetched", vec![execute], true);
        } else if let Some(decode) = find(&[Ability::Decode, Ability::Decrypt]) {
            chain("decode-execute", "decodes and executes", vec![decode, execute], true);
        }
    }
    let network = find(&[Ability::Download, Ability::Network, Ability::Dns]);
    let program = find(&[Ability::Spawn, Ability::Shell]).or(execute);
    if let (Some(network), Some(program)) = (network, program) {
        let followed = program.from.any(Sources::NETWORK.with(Sources::WRITTEN)) || program.ability != Ability::Execute;
        chain("fetch-start", "reaches the network and starts programs", vec![network, program], followed);
    }
    if let Some(program) = find(&[Ability::Spawn, Ability::Shell])
        && program.from.any(Sources::WRITTEN.with(Sources::DECODED).with(Sources::NETWORK))
    {
        chain("write-start", "starts what it wrote, fetched or decoded", vec![program], true);
    }
    let secret = find(&[
        Ability::ReadEnvironment,
        Ability::ReadCredential,
        Ability::ReadBrowser,
        Ability::Wallet,
        Ability::Clipboard,
        Ability::Watch,
        Ability::ReadMemory,
    ]);
    if let (Some(secret), Some(network)) = (secret, network) {
        let private = Sources::ENVIRONMENT.with(Sources::CREDENTIAL).with(Sources::PRIVATE);
        let followed = network.from.any(private) || secret.ability != Ability::ReadEnvironment;
        chain("secret-send", "reads secrets and reaches the network", vec![secret, network], followed);
    }
    if let Some(stay) = find(&[Ability::Persist, Ability::AgentConfig, Ability::AgentPrompt]) {
        chain("stay", "writes where it will be started again or where agents read their orders", vec![stay], false);
    }
    if let Some(spread) =
        find(&[Ability::Publish, Ability::Mine, Ability::ReadMemory, Ability::Disarm, Ability::Escalate])
    {
        chain("harm", "does what no package does unasked", vec![spread], false);
    }
    chains
}
