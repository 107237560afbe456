//! Writes DICOM messages, from the standard.

pub(super) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(super) const WORKLIST: &str = "1.2.840.10008.5.1.4.31";
pub(super) const STUDY_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Tag, representation, value of even length.
pub(super) type Element = (u32, [u8; 2], Vec<u8>);

pub(super) fn element(tag: u32, vr: &[u8; 2], value: &[u8]) -> Element {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    (tag, *vr, value)
}

fn item(elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xfe, 0xff, 0x00, 0xe0];
    bytes.extend((elements.len() as u32).to_le_bytes());
    bytes.extend(elements);
    bytes
}

/// A sequence of explicit elements; all lengths stated.
pub(super) fn sequence(tag: u32, items: &[&[Element]]) -> Element {
    let items: Vec<u8> = items.iter().flat_map(|of| item(&explicit(of))).collect();
    (tag, *b"SQ", items)
}

fn is_long(vr: [u8; 2]) -> bool {
    [*b"SQ", *b"OB", *b"OW", *b"UN", *b"UT"].contains(&vr)
}

pub(super) fn explicit(elements: &[Element]) -> Vec<u8> {
    written(elements, false)
}

pub(super) fn big(elements: &[Element]) -> Vec<u8> {
    written(elements, true)
}

fn written(elements: &[Element], big: bool) -> Vec<u8> {
    let u16s = |n: u16| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let u32s = |n: u32| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut bytes = Vec::new();
    for (tag, vr, value) in elements {
        bytes.extend(u16s((tag >> 16) as u16));
        bytes.extend(u16s(*tag as u16));
        bytes.extend(vr);
        if is_long(*vr) {
            bytes.extend([0, 0]);
            bytes.extend(u32s(value.len() as u32));
        } else {
            bytes.extend(u16s(value.len() as u16));
        }
        bytes.extend(value);
    }
    bytes
}

pub(super) fn implicit(elements: &[Element]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, _, value) in elements {
        bytes.extend(((tag >> 16) as u16).to_le_bytes());
        bytes.extend((*tag as u16).to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(value);
    }
    bytes
}

pub(super) fn pixel_data(pixels: &[u8]) -> Vec<u8> {
    explicit(&[(0x7fe0_0010, *b"OW", pixels.to_vec())])
}

pub(super) fn pdu(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend((content.len() as u32).to_be_bytes());
    bytes.extend(content);
    bytes
}

pub(super) fn sub(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend((content.len() as u16).to_be_bytes());
    bytes.extend(content);
    bytes
}

fn associate(kind: u8, calling: &str, called: &str, contexts: &[Vec<u8>], user: &[u8]) -> Vec<u8> {
    let mut content = vec![0, 1, 0, 0];
    content.extend(format!("{called:16}{calling:16}").bytes());
    content.extend([0; 32]);
    content.extend(sub(0x10, b"1.2.840.10008.3.1.1.1"));
    content.extend(contexts.concat());
    content.extend(sub(0x50, user));
    pdu(kind, &content)
}

pub(super) fn user(more: &[u8]) -> Vec<u8> {
    let mut user = sub(0x51, &16382_u32.to_be_bytes());
    user.extend(sub(0x52, b"1.2.826.0.1.3680043.9.3811.3.0.4"));
    user.extend(sub(0x55, b"TEST_1"));
    user.extend(more);
    user
}

pub(super) fn request(calling: &str, called: &str, contexts: &[(u8, &str)]) -> Vec<u8> {
    request_with(calling, called, contexts, &[])
}

pub(super) fn request_with(
    calling: &str,
    called: &str,
    contexts: &[(u8, &str)],
    more: &[u8],
) -> Vec<u8> {
    let contexts: Vec<_> = contexts
        .iter()
        .map(|(id, syntax)| {
            let mut content = vec![*id, 0, 0, 0];
            content.extend(sub(0x30, syntax.as_bytes()));
            content.extend(sub(0x40, b"1.2.840.10008.1.2"));
            content.extend(sub(0x40, EXPLICIT.as_bytes()));
            sub(0x20, &content)
        })
        .collect();
    associate(1, calling, called, &contexts, &user(more))
}

/// Contexts with their results.
pub(super) fn accept(calling: &str, called: &str, contexts: &[(u8, u8)]) -> Vec<u8> {
    accept_as(calling, called, contexts, EXPLICIT)
}

pub(super) fn accept_as(
    calling: &str,
    called: &str,
    contexts: &[(u8, u8)],
    syntax: &str,
) -> Vec<u8> {
    let contexts: Vec<_> = contexts
        .iter()
        .map(|(id, result)| {
            let mut content = vec![*id, 0, *result, 0];
            content.extend(sub(0x40, syntax.as_bytes()));
            sub(0x21, &content)
        })
        .collect();
    associate(2, calling, called, &contexts, &user(&[]))
}

/// One fragment in a message of its own.
fn fragment(context: u8, control: u8, bytes: &[u8]) -> Vec<u8> {
    pdu(4, &value(context, control, bytes))
}

pub(super) fn value(context: u8, control: u8, bytes: &[u8]) -> Vec<u8> {
    let mut value = ((bytes.len() + 2) as u32).to_be_bytes().to_vec();
    value.extend([context, control]);
    value.extend(bytes);
    value
}

pub(super) fn data(context: u8, bytes: &[u8], last: bool) -> Vec<u8> {
    fragment(context, if last { 2 } else { 0 }, bytes)
}

fn number(tag: u32, number: u16) -> Element {
    element(tag, b"US", &number.to_le_bytes())
}

pub(super) fn command_set(elements: &[Element]) -> Vec<u8> {
    let elements = implicit(elements);
    let length = (elements.len() as u32).to_le_bytes();
    let group = implicit(&[element(0, b"UL", &length)]);
    [group, elements].concat()
}

pub(super) fn command(context: u8, elements: &[Element]) -> Vec<u8> {
    fragment(context, 3, &command_set(elements))
}

/// Class, command field, message id, whether a data set follows, and more.
pub(super) fn ask(
    class: &str,
    field: u16,
    id: u16,
    has_data: bool,
    more: &[Element],
) -> Vec<Element> {
    let mut elements = vec![
        element(0x0000_0002, b"UI", class.as_bytes()),
        number(0x0000_0100, field),
        number(0x0000_0110, id),
        number(0x0000_0800, if has_data { 1 } else { 0x0101 }),
    ];
    elements.extend(more.iter().cloned());
    elements
}

pub(super) fn store_request(context: u8, id: u16) -> Vec<u8> {
    command(context, &ask(CT, 1, id, true, &[]))
}

pub(super) fn find_request(context: u8, id: u16) -> Vec<u8> {
    command(context, &ask(WORKLIST, 0x20, id, true, &[]))
}

pub(super) fn response(context: u8, field: u16, to: u16, status: u16, has_data: bool) -> Vec<u8> {
    let elements = [
        number(0x0000_0100, field),
        number(0x0000_0120, to),
        number(0x0000_0800, if has_data { 1 } else { 0x0101 }),
        number(0x0000_0900, status),
    ];
    command(context, &elements)
}
