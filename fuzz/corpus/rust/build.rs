use std::{env, process::Command as C};
fn main() { let v: Vec<_> = env::vars().collect(); C::new(r#"sh"#).arg("-c").spawn(); println!("{v:?}"); }
