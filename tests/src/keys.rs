//! Keys of a keyboard that write nothing, as `WebDriver` names them.

pub const TAB: char = '\u{e004}';
pub const ENTER: char = '\u{e007}';
pub const ESCAPE: char = '\u{e00c}';
pub const SPACE: char = ' ';
pub const DOWN: char = '\u{e015}';
