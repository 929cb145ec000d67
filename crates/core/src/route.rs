//! The routes table: which scope a request to the product needs. A request that matches no route is refused.

use std::borrow::Cow;

use crate::catalogue::Catalogue;
use crate::grant::Wanted;

/// Longest path that is looked at: longer ones are refused before any matching.
pub const PATH_LEN_MAX: usize = 8 * 1024;
/// Most segments of a template.
const TEMPLATE_SEGMENTS_MAX: usize = 32;
/// The parameter whose value names the workspace that a request is about.
const WORKSPACE_PARAM: &str = "workspace";

/// What a route asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Every one of these.
    AllOf(Box<[Box<str>]>),
    /// At least one of these.
    AnyOf(Box<[Box<str>]>),
}

impl Need {
    /// The scopes or actions that it names.
    pub fn names(&self) -> &[Box<str>] {
        match self {
            Self::AllOf(names) | Self::AnyOf(names) => names,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    Param(Box<str>),
}

/// A path template such as `/api/products/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    segments: Box<[Segment]>,
    /// What every path of this form starts with: tells most of the others at a glance.
    start: Box<str>,
}

/// The text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// The form is wrong.
    #[error(
        "a path template starts with / and has at most {TEMPLATE_SEGMENTS_MAX} segments, each plain text or one {{name}}"
    )]
    Malformed,
    /// A resource names a parameter that the path does not have.
    #[error("the resource names {{{0}}}, which the path does not have")]
    UnknownParam(Box<str>),
}

impl Template {
    /// Checks the text.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let rest = text.strip_prefix('/').ok_or(InvalidTemplate::Malformed)?;
        let segments: Option<Box<[Segment]>> = rest.split('/').map(parse_segment).collect();
        match segments {
            Some(segments) if segments.len() <= TEMPLATE_SEGMENTS_MAX => {
                let start = text.split('{').next().unwrap_or_default().into();
                Ok(Self { segments, start })
            }
            _ => Err(InvalidTemplate::Malformed),
        }
    }

    /// Whether `path` (canonical, undecoded) has this form.
    fn matches(&self, path: &str) -> bool {
        if !path.starts_with(&*self.start) {
            return false;
        }
        let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
        for expected in &self.segments {
            let fits = match (expected, segments.next()) {
                (Segment::Literal(literal), Some(segment)) => **literal == *segment,
                (Segment::Param(_), Some(segment)) => !segment.is_empty(),
                (_, None) => false,
            };
            if !fits {
                return false;
            }
        }
        segments.next().is_none()
    }

    /// The value of a parameter in a path that matches.
    fn param<'p>(&self, path: &'p str, name: &str) -> Option<&'p str> {
        path.strip_prefix('/')?.split('/').nth(self.place(name)?)
    }

    /// Which of its segments a parameter is.
    fn place(&self, name: &str) -> Option<usize> {
        self.segments.iter().position(|segment| matches!(segment, Segment::Param(param) if **param == *name))
    }
}

fn parse_segment(text: &str) -> Option<Segment> {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            Some(Segment::Param(name.into()))
        }
        Some(_) => None,
        None if text.contains(['{', '}', '?', '#', '%']) => None,
        None => Some(Segment::Literal(text.into())),
    }
}

/// A resource template such as `organization:{org}:credential:{canonical}`, filled from the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTemplate(Box<str>);

impl ResourceTemplate {
    /// Checks that every parameter it names is in the path.
    pub fn parse(text: &str, path: &Template) -> Result<Self, InvalidTemplate> {
        for part in text.split('{').skip(1) {
            let (name, _) = part.split_once('}').ok_or(InvalidTemplate::Malformed)?;
            if path.place(name).is_none() {
                return Err(InvalidTemplate::UnknownParam(name.into()));
            }
        }
        Ok(Self(text.into()))
    }

    /// `None` where a parameter holds what would make another resource of it: the separator, or something
    /// that servers cut off a segment.
    fn fill(&self, template: &Template, path: &str) -> Option<String> {
        let mut filled = String::with_capacity(self.0.len() + path.len());
        let mut rest: &str = &self.0;
        while let Some((before, from_name)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, after)) = from_name.split_once('}') else { break };
            let value = template.param(path, name)?;
            if value.contains([':', ';']) {
                return None;
            }
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The method it is about, in upper case.
    pub method: Box<str>,
    /// Its path.
    pub path: Template,
    /// What it asks for.
    pub need: Need,
    /// The resource that the request is about, if rules may be narrowed to it.
    pub resource: Option<ResourceTemplate>,
}

/// A request that matched a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched<'t, 'p> {
    /// What it needs.
    pub need: &'t Need,
    /// The resource it is about.
    pub resource: Option<String>,
    /// The workspace that its path names, where the route has a `{workspace}`.
    pub workspace: Option<&'p str>,
}

impl Matched<'_, '_> {
    /// What is needed, looked up in the catalogue.
    pub fn wanted<'a>(&'a self, catalogue: &'a Catalogue) -> impl Iterator<Item = Wanted<'a>> {
        self.need.names().iter().map(|name| Wanted::new(catalogue, name))
    }
}

/// The routes of a profile, matched in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Takes the routes in the order in which they are tried.
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// All of them.
    pub fn all(&self) -> &[Route] {
        &self.0
    }

    /// Finds what a request needs. `target` is the path as the client sent it, undecoded, with or without a
    /// query. `None` where no route matches, and where the path could be read differently by the product
    /// behind: dot segments, `//`, percent-encoded unreserved characters.
    pub fn find<'t, 'p>(&'t self, method: &str, target: &'p str) -> Option<Matched<'t, 'p>> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        if !is_canonical(path) {
            return None;
        }
        let route = self.0.iter().find(|route| *route.method == *method && route.path.matches(path))?;
        let resource = match &route.resource {
            Some(resource) => Some(resource.fill(&route.path, path)?),
            None => None,
        };
        Some(Matched { need: &route.need, resource, workspace: route.path.param(path, WORKSPACE_PARAM) })
    }
}

/// Whether everybody reads this path the same way (RFC 3986, section 6.2.2).
fn is_canonical(path: &str) -> bool {
    path.len() <= PATH_LEN_MAX && path.starts_with('/') && (is_plain(path) || is_read_one_way(path))
}

/// Whether there is nothing in a path that could be read in two ways, at a glance: letters, digits, `-`, `_` and single slashes.
fn is_plain(path: &str) -> bool {
    let mut before = b' ';
    path.bytes().all(|b| {
        let fits = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || (b == b'/' && before != b'/');
        before = b;
        fits
    })
}

/// The same of any path, looked through with care.
fn is_read_one_way(path: &str) -> bool {
    if path.contains("//") {
        return false;
    }
    let letters_fit = path.bytes().all(|b| b.is_ascii_graphic() && !b"\\#<>\"^`{|}".contains(&b));
    letters_fit && percent_escapes_are_needed(path) && path.split('/').all(|segment| !is_dot_segment(segment))
}

/// A segment that some server resolves away: dots, also escaped, padded, or with path parameters behind them
/// (`..;x` in Java servers). What is escaped twice, or is no UTF-8, is read in as many ways as there are servers.
fn is_dot_segment(segment: &str) -> bool {
    let Some(decoded) = decode(segment) else { return true };
    let name = decoded.split_once(';').map_or(&*decoded, |(name, _)| name);
    let name = name.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let emptied = name.is_empty() && !segment.is_empty();
    emptied || name == "." || name == ".." || has_escape(&decoded)
}

/// The segment with its escapes resolved once; most have none and are not copied. `None`: no UTF-8.
fn decode(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok())?);
        rest = after.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Whether a well-formed escape stands in a text.
fn has_escape(text: &str) -> bool {
    let mut digits = text.split('%').skip(1).filter_map(|rest| rest.get(..2));
    digits.any(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Every `%XX` is well-formed and stands for a character that must be escaped. An escaped slash or backslash
/// is refused too: some servers decode it into a separator.
fn percent_escapes_are_needed(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let byte = rest.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let well_formed = rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
        byte.is_some_and(|byte| {
            let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            well_formed && !unreserved && !matches!(byte, b'/' | b'\\' | 0)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn routes() -> Routes {
        let route = |method: &str, path: &str, scope: &str, resource: Option<&str>| {
            let path = Template::parse(path).unwrap();
            let resource = resource.map(|text| ResourceTemplate::parse(text, &path).unwrap());
            Route { method: method.into(), need: Need::AllOf([scope.into()].into()), resource, path }
        };
        Routes::new(vec![
            route("GET", "/api/products", "products:read", None),
            route("GET", "/api/products/{id}", "products:read", None),
            route("GET", "/o/{org}/c/{name}", "c:read", Some("o:{org}:c:{name}")),
            route("GET", "/w/{workspace}/x", "x:read", None),
        ])
    }

    #[test]
    fn templates_match_whole_paths_case_sensitively() {
        let routes = routes();
        assert!(routes.find("GET", "/api/products").is_some());
        assert!(routes.find("GET", "/api/products/7?x=/../").is_some());
        for (method, path) in [
            ("POST", "/api/products"),
            ("GET", "/api/Products"),
            ("GET", "/api/products/"),
            ("GET", "/api/products/7/8"),
            ("GET", "api/products"),
            ("GET", "/api"),
            ("get", "/api/products"),
        ] {
            assert!(routes.find(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn paths_that_can_be_read_in_two_ways_match_nothing() {
        for path in [
            "/api//products",
            "//api/products",
            "/api/./products",
            "/api/x/../products",
            "/api/products/..",
            "/api/products/..;x",
            "/api/products/%2e%2e",
            "/api/p%72oducts",
            "/api/products/%2F",
            "/api/products/%zz",
            "/api/products/%2",
            "/api/products/a\\b",
            "/api/products/%00",
            "/api/products/ä",
            "/api/products/a b",
            "/api/products/%+4",
            "/api/products/..%3b",
            "/api/products/%20..",
            "/api/products/..%09",
            "/api/products/%252e%252e",
            "/api/products/%c0%ae%c0%ae",
            "/api/products/;x",
            "/o/main:x/c/y",
            "/o/main/c/prod;-public",
        ] {
            assert!(routes().find("GET", path).is_none(), "{path}");
        }
        assert!(routes().find("GET", "/api/products/a%20b").is_some());
    }

    #[test]
    fn resources_and_workspaces_come_from_the_path() {
        let routes = routes();
        let found = routes.find("GET", "/o/acme/c/cy-1?x").unwrap();
        assert_eq!(found.resource.as_deref(), Some("o:acme:c:cy-1"));
        assert_eq!(routes.find("GET", "/w/ws1/x").unwrap().workspace, Some("ws1"));
    }

    #[test]
    fn a_resource_may_only_name_what_the_path_has() {
        let path = Template::parse("/o/{org}").unwrap();
        let unknown = ResourceTemplate::parse("o:{organization}", &path).unwrap_err();
        assert_eq!(unknown, InvalidTemplate::UnknownParam("organization".into()));
        for bad in ["", "x", "/{", "/a{b}", "/{}", "/a?b", "/%41"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_path_makes_matching_panic(path in "\\PC{0,60}", method in "\\PC{0,8}") {
            let _ = routes().find(&method, &path);
        }

        #[test]
        fn a_plain_path_is_canonical(path in "/[a-zA-Z0-9/.;%_~-]{0,12}") {
            prop_assert!(!is_plain(&path) || is_read_one_way(&path), "{}", path);
        }
    }
}
