//! The promises that the types keep: each has a program that breaks it, with the compiler's answer.
//!
//! A correct program would have all dependencies built instead of checked, so `the_right_way` is a test.

#[test]
fn the_compiler_refuses_what_must_not_be() {
    let programs = trybuild::TestCases::new();
    programs.compile_fail("tests/by_type/refused_*.rs");
}
