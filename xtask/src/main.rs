//! The build and test commands of the project.
fn main() {}
