//! What is known of an input once it is read: format, counts, interfaces, where it stopped.

use auscult_model::report::{AuthorsName, ClockOffset, Comment};
use auscult_model::{LinkType, MinuteSum, Timestamp};

use crate::bounds;
use crate::compression::Compression;

/// The kind of capture file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// libpcap, times in microseconds.
    #[default]
    Pcap,
    /// libpcap, times in nanoseconds.
    PcapNanoseconds,
    /// libpcap with Kuznetzov's longer record header.
    PcapModified,
    /// pcapng.
    Pcapng,
    /// Solaris's snoop.
    Snoop,
    /// Microsoft Network Monitor 1 or 2.
    NetMon,
}

impl Format {
    /// A name for people.
    pub fn name(self) -> &'static str {
        match self {
            Format::Pcap => "pcap",
            Format::PcapNanoseconds => "pcap (nanoseconds)",
            Format::PcapModified => "pcap (modified)",
            Format::Pcapng => "pcapng",
            Format::Snoop => "snoop",
            Format::NetMon => "Network Monitor",
        }
    }
}

/// A capture interface, as the file describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// Its name, where the file states one. From the file: treat as text of strangers.
    pub name: Option<String>,
    /// Link-layer header type.
    pub link: LinkType,
    /// Most bytes captured of a packet; 0 when unlimited or not stated.
    pub snaplen: u32,
    /// Packets received by the interface, where stated (pcapng statistics).
    pub received: Option<u64>,
    /// Packets dropped by the interface, where stated.
    pub dropped_by_interface: Option<u64>,
    /// Packets dropped by the operating system, where stated.
    pub dropped_by_system: Option<u64>,
    /// Packets that passed the capture filter, where stated.
    pub accepted_by_filter: Option<u64>,
}

/// Where and why reading ended before the end of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedAt {
    /// Offset of the first byte that was not used, in the decompressed stream.
    pub offset: u64,
    /// The last packet delivered; 0 when there was none.
    pub after_packet: u64,
    /// The reason, for people.
    pub why: String,
}

/// Counts of what was met in a file and is not normal, or was left out by a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Records whose stated wire length is smaller than what was captured (then raised).
    pub short_original: u64,
    /// Packets without a time of their own (pcapng simple packet blocks).
    pub without_time: u64,
    /// Blocks that hold no packets and were skipped (pcapng: secrets, custom).
    pub skipped_blocks: u64,
    /// Records that Wireshark numbers as frames, but that are no packets.
    pub not_packets: u64,
    /// Reading ended at the limit on the length of a record.
    pub record_limit: u64,
    /// Reading ended at the limit on decompressed bytes.
    pub decompression_limit: u64,
    /// Reading ended at the limit on how far a compressed file may grow.
    pub ratio_limit: u64,
    /// Interfaces that no longer fitted the table.
    pub interface_limit: u64,
    /// Comments that were not kept.
    pub comment_limit: u64,
    /// Names of addresses that were not kept.
    pub name_limit: u64,
    /// Packets of minutes that were not summed.
    pub minute_limit: u64,
}

impl Oddities {
    /// The limits that were reached, by name.
    pub fn limits(&self) -> [(&'static str, u64); 7] {
        [
            (bounds::RECORD_LENGTH.name, self.record_limit),
            (bounds::DECOMPRESSED.name, self.decompression_limit),
            (bounds::RATIO.name, self.ratio_limit),
            (bounds::INTERFACES.name, self.interface_limit),
            (bounds::COMMENTS.name, self.comment_limit),
            (bounds::AUTHORS_NAMES.name, self.name_limit),
            (bounds::MINUTES.name, self.minute_limit),
        ]
    }
}

/// One input, after it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureInfo {
    /// The name as given.
    pub name: String,
    /// File format.
    pub format: Format,
    /// Compression.
    pub compression: Compression,
    /// Packets delivered.
    pub packets: u64,
    /// Bytes of these packets on the wire.
    pub bytes: u64,
    /// Bytes of these packets in the file.
    pub captured_bytes: u64,
    /// Earliest packet time.
    pub first: Option<Timestamp>,
    /// Latest packet time.
    pub last: Option<Timestamp>,
    /// Link types of the packets, sorted.
    pub link_types: Vec<LinkType>,
    /// Interfaces in the order in which the file describes them.
    pub interfaces: Vec<InterfaceInfo>,
    /// Whether the file was read to its end.
    pub complete: bool,
    /// Where it stopped, when not.
    pub stopped_at: Option<StoppedAt>,
    /// Packets of which fewer bytes were captured than were on the wire.
    pub cut_by_snaplen: u64,
    /// Packets with an earlier time than the packet before them in the file.
    pub steps_back: u64,
    /// The largest such step, in nanoseconds.
    pub largest_step_back: i64,
    /// 128-bit digest of packet times, lengths, link types and bytes.
    pub fingerprint: [u8; 16],
    /// What each minute holds, in order of time; only where a state is kept.
    pub minutes: Vec<MinuteSum>,
    /// Unusual things, counted.
    pub oddities: Oddities,
    /// What the author wrote into the file (pcapng), bounded.
    pub comments: Vec<Comment>,
    /// Names that the author gave to addresses (pcapng), bounded.
    pub names: Vec<AuthorsName>,
    /// How far the file's times were moved.
    pub clock_offset: Option<ClockOffset>,
}

impl CaptureInfo {
    pub(crate) fn new(name: &str, format: Format, compression: Compression) -> Self {
        CaptureInfo {
            name: name.to_owned(),
            format,
            compression,
            packets: 0,
            bytes: 0,
            captured_bytes: 0,
            first: None,
            last: None,
            link_types: Vec::new(),
            interfaces: Vec::new(),
            complete: false,
            stopped_at: None,
            cut_by_snaplen: 0,
            steps_back: 0,
            largest_step_back: 0,
            fingerprint: [0; 16],
            minutes: Vec::new(),
            oddities: Oddities::default(),
            comments: Vec::new(),
            names: Vec::new(),
            clock_offset: None,
        }
    }
}
