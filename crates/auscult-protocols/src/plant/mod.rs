//! Building plant, laboratory and industrial control.

pub mod bacnet;
pub mod dnp3;
pub mod enip;
pub mod iec104;
pub mod modbus;
pub mod opcua;
pub mod s7;
