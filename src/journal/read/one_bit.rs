//! This is where a line that was whole before one bit of it was flipped is told from one that was never whole: no write that
//! was cut short looks like that.

use std::array;

use crate::journal::{LINE_HEAD_BYTES, checksum_of};

/// CRC-32C, bit by bit from the lowest.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The effect of a byte on a checksum, by the checksum's lowest byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut rest, mut bit) = (byte, 0);
        while bit < 8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        table[byte as usize] = rest;
        byte += 1;
    }
    table
};

/// The JSON text that a line without its line feed had, where another value of one of its bits makes it whole.
pub fn flipped_inside(line: &[u8]) -> Option<Vec<u8>> {
    let (head, json) = line.split_at_checked(LINE_HEAD_BYTES)?;
    let actual = crc32c::crc32c(json);
    let whole = format!("{actual:08x}  ");
    let differing: u32 = head.iter().zip(whole.as_bytes()).map(|(is, was)| (is ^ was).count_ones()).sum();
    if differing == 1 {
        return Some(json.to_vec());
    }
    let (byte, bit) = flipped_bit(json.len(), checksum_of(head)? ^ actual)?;
    let mut json = json.to_vec();
    json[byte] ^= 1 << bit;
    Some(json)
}

/// Which bit of a text of so many bytes changes its checksum by this, if one does. No two do.
fn flipped_bit(bytes: usize, change: u32) -> Option<(usize, usize)> {
    // What each bit of the last byte changes, then, byte by byte, of the ones before it.
    let mut changes: [u32; 8] = array::from_fn(|bit| TABLE[1 << bit]);
    for byte in (0..bytes).rev() {
        if let Some(bit) = changes.iter().position(|of_bit| *of_bit == change) {
            return Some((byte, bit));
        }
        for of_bit in &mut changes {
            *of_bit = (*of_bit >> 8) ^ TABLE[(*of_bit & 0xff) as usize];
        }
    }
    None
}

/// The JSON texts that a line had, where a byte of it was its line feed before a bit of that was flipped.
pub fn flipped_ends(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (head, json) = line.split_at_checked(LINE_HEAD_BYTES).unwrap_or_default();
    let stored = checksum_of(head);
    let (mut summed, mut sum) = (0, 0);
    let ends = json.iter().enumerate().filter(|(_, byte)| (**byte ^ b'\n').is_power_of_two()).map(|(at, _)| at);
    ends.filter_map(move |end| {
        sum = crc32c::crc32c_append(sum, &json[summed..end]);
        summed = end;
        (stored == Some(sum)).then_some(&json[..end])
    })
}
