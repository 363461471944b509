//! What this library claims to hold by type: each claim has a program that breaks it, with the compiler's answer.

#[test]
fn the_compiler_refuses_what_must_not_be() {
    let programs = trybuild::TestCases::new();
    programs.pass("tests/by_type/the_right_way.rs");
    programs.compile_fail("tests/by_type/refused_*.rs");
}
