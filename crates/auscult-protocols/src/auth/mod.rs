//! Who may log in: directories and the servers that decide.

mod der;
pub mod kerberos;
pub mod ldap;
pub mod radius;
pub mod tacacs;
