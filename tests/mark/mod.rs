//! Marks, from outside: real processes own them, real commands set, renew, clear and clean them up.

mod files;
