//! Medical devices whose conversations are told apart, and of which little is read.

pub mod astm;
pub mod ge_unity;
pub mod intellivue;
pub mod medibus;
pub mod poct1_a;
pub mod rwhat;
