//! Pictures: an archive, two modalities, a workstation that reads, and where the worklist is.

use super::{Common, Morning, Place};
use crate::net::{Host, MS, Way};
use crate::people::Person;
use crate::speak::dicom::{self, Command, Context, Entity, Set, Syntax};
use crate::stage::hl7_time;
use crate::wire::tcp::Stack;

/// The archive of pictures.
pub(super) struct Archive {
    pub(super) host: Host,
    entity: Entity,
    port: u16,
}

/// Implementations by class UID and version name, as their makers publish them.
const TOOLKITS: [(&str, &str); 3] = [
    ("1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367"),
    ("1.2.40.0.13.1.3", "dcm4che-5.29.2"),
    ("2.16.840.1.113669.2.1.1", "MergeCOM3_340"),
];

/// One association being written, turn by turn.
struct Association {
    room: usize,
    number: u16,
    turns: Vec<(Way, Vec<u8>)>,
}

impl Association {
    fn new(calling: &Entity, called: &Entity, contexts: &[Context], room: usize) -> Association {
        let turns = vec![
            (Way::Out, dicom::request(calling, &called.title, contexts)),
            (Way::Back, dicom::accept(calling, called, contexts)),
        ];
        Association {
            room,
            number: 0,
            turns,
        }
    }

    /// A request on a context; `number` counts on.
    fn ask(&mut self, context: &Context, command: Command<'_>, data: Option<&Set>) {
        self.number += 1;
        let command = Command {
            class: context.class,
            number: self.number,
            with_data: data.is_some(),
            ..command
        };
        let bytes = dicom::message(context.id, &command, data, self.room);
        self.turns.push((Way::Out, bytes));
    }

    /// A response to the last request.
    fn answer(&mut self, context: &Context, command: Command<'_>, data: Option<&Set>) {
        let command = Command {
            class: context.class,
            number: self.number,
            with_data: data.is_some(),
            ..command
        };
        let bytes = dicom::message(context.id, &command, data, self.room);
        self.turns.push((Way::Back, bytes));
    }

    fn end(mut self) -> Vec<(Way, Vec<u8>)> {
        self.turns.push((Way::Out, dicom::release()));
        self.turns.push((Way::Back, dicom::released()));
        self.turns
    }
}

fn context(id: u8, class: &'static str, syntax: Syntax) -> Context {
    Context { id, class, syntax }
}

fn command(field: u16) -> Command<'static> {
    Command {
        field,
        ..Command::default()
    }
}

fn day((year, month, day): (u16, u8, u8)) -> String {
    format!("{year:04}{month:02}{day:02}")
}

/// What a modality says of itself in its pictures.
struct Maker {
    modality: &'static str,
    class: &'static str,
    manufacturer: &'static str,
    model: &'static str,
    serial: String,
}

impl Morning {
    fn entity(&mut self, telling: &str) -> Entity {
        let (class, version) = *self.stage.prng.pick(&TOOLKITS);
        Entity {
            title: self.name(telling),
            class: class.to_owned(),
            version: version.to_owned(),
        }
    }

    pub(super) fn archive(&mut self) -> Archive {
        Archive {
            host: self.computer(Place::Imaging, 10, Stack::LINUX),
            entity: self.entity("PACS"),
            port: *self.stage.prng.pick(&[104, 11_112, 4242]),
        }
    }

    pub(super) fn imaging(&mut self, common: &Common) {
        let archive = &common.archive;
        let told = [
            ("ae_title", archive.entity.title.as_str()),
            (
                "dicom_implementation_version",
                archive.entity.version.as_str(),
            ),
        ];
        self.device("archive", &archive.host, "imaging-archive", &told);
        let worklist = self.computer(Place::Clinic, 13, Stack::WINDOWS);
        let worklist_entity = self.entity("RIS");
        let roles = "server|medical-other|interface-engine|unknown";
        let told = [("ae_title", worklist_entity.title.as_str())];
        self.device("radiology information system", &worklist, roles, &told);
        let serial =
            |stage: &mut crate::stage::Stage| stage.prng.between(10_000, 99_999).to_string();
        let makers = [
            Maker {
                modality: "CR",
                class: dicom::RADIOGRAPHY,
                manufacturer: "Lichtbild Erdacht",
                model: "Strahl 3",
                serial: serial(&mut self.stage),
            },
            Maker {
                modality: "US",
                class: dicom::ULTRASOUND,
                manufacturer: "Echolot Erdacht",
                model: "Schall 9",
                serial: serial(&mut self.stage),
            },
        ];
        for (n, maker) in makers.into_iter().enumerate() {
            let stack = if n == 0 { Stack::WINDOWS } else { Stack::LINUX };
            let host = self.computer(Place::Imaging, 21 + n as u8, stack);
            let entity = self.entity(if n == 0 { "CR1" } else { "US1" });
            let told = [
                ("ae_title", entity.title.as_str()),
                ("model", maker.model),
                ("serial", maker.serial.as_str()),
            ];
            self.device("modality", &host, "imaging-modality", &told);
            let persons = [self.persons[4 + n].clone(), self.persons[n].clone()];
            for (k, person) in persons.iter().enumerate() {
                let at = self
                    .stage
                    .at(3_000_000 + (n as i64 * 2 + k as i64) * 3_100_000);
                self.worklist(at, (&host, &entity), (&worklist, &worklist_entity), person);
                let at = at.plus(400_000 * MS);
                self.store(at, (&host, &entity), archive, (&maker, person));
            }
            self.stage
                .truth
                .must("phi-cleartext-inside", host.ip, "low");
            if n == 1 {
                self.remote_service(&host);
            }
        }
        self.reading(archive);
    }

    fn worklist(
        &mut self,
        at: auscult_model::Timestamp,
        (host, entity): (&Host, &Entity),
        (server, called): (&Host, &Entity),
        person: &Person,
    ) {
        let list = context(1, dicom::WORKLIST, Syntax::Implicit);
        let mut talk = Association::new(entity, called, &[list], 4096);
        let question = Set::new(Syntax::Implicit)
            .text((0x0010, 0x0010), "PN", "")
            .text((0x0010, 0x0020), "LO", "");
        talk.ask(&list, command(0x0020), Some(&question));
        let item = Set::new(Syntax::Implicit)
            .text((0x0008, 0x0060), "CS", "US")
            .text((0x0040, 0x0001), "AE", &entity.title);
        let answer = Set::new(Syntax::Implicit)
            .text(
                (0x0008, 0x0050),
                "SH",
                &format!("AC{}", &person.number[4..]),
            )
            .text((0x0010, 0x0010), "PN", &person.name("^"))
            .text((0x0010, 0x0020), "LO", &person.number)
            .text((0x0010, 0x0030), "DA", &day(person.born))
            .sequence((0x0040, 0x0100), &item);
        let pending = Command {
            status: 0xff00,
            ..command(0x8020)
        };
        talk.answer(&list, pending, Some(&answer));
        talk.answer(&list, command(0x8020), None);
        let path = self.path(at, host, server);
        let stacks = (host.stack, server.stack);
        self.stage
            .converse(at, &path, stacks, (104, "dicom"), &talk.end());
    }

    /// A picture of a few pixels.
    fn picture(&mut self, syntax: Syntax, maker: &Maker, person: &Person) -> (String, Set) {
        let tail = self.stage.prng.between(1_000_000, 9_999_999);
        let instance = format!("2.25.{tail}{}", &person.number[4..]);
        let today = &hl7_time(self.stage.start)[..8];
        let size = 32;
        let pixels: Vec<u8> = (0..size * size).map(|n| (n % 251) as u8).collect();
        let set = Set::new(syntax)
            .text((0x0008, 0x0016), "UI", maker.class)
            .text((0x0008, 0x0018), "UI", &instance)
            .text((0x0008, 0x0020), "DA", today)
            .text((0x0008, 0x0060), "CS", maker.modality)
            .text((0x0008, 0x0070), "LO", maker.manufacturer)
            .text((0x0008, 0x0090), "PN", &person.doctor)
            .text((0x0008, 0x1090), "LO", maker.model)
            .text((0x0010, 0x0010), "PN", &person.name("^"))
            .text((0x0010, 0x0020), "LO", &person.number)
            .text((0x0010, 0x0030), "DA", &day(person.born))
            .text(
                (0x0010, 0x0040),
                "CS",
                if person.sex == 'F' { "F" } else { "O" },
            )
            .text((0x0018, 0x1000), "LO", &maker.serial)
            .text((0x0018, 0x1020), "LO", "4.1.2")
            .text((0x0020, 0x000d), "UI", &format!("{instance}.1"))
            .text((0x0020, 0x000e), "UI", &format!("{instance}.2"))
            .number((0x0028, 0x0002), 1)
            .text((0x0028, 0x0004), "CS", "MONOCHROME2")
            .number((0x0028, 0x0010), size)
            .number((0x0028, 0x0011), size)
            .number((0x0028, 0x0100), 8)
            .number((0x0028, 0x0101), 8)
            .number((0x0028, 0x0102), 7)
            .number((0x0028, 0x0103), 0)
            .pixels(&pixels);
        (instance, set)
    }

    fn store(
        &mut self,
        at: auscult_model::Timestamp,
        (host, entity): (&Host, &Entity),
        archive: &Archive,
        (maker, person): (&Maker, &Person),
    ) {
        let syntax = *self.stage.prng.pick(&[Syntax::Implicit, Syntax::Explicit]);
        let echo = context(1, dicom::VERIFICATION, Syntax::Implicit);
        let images = context(3, maker.class, syntax);
        let mut talk = Association::new(entity, &archive.entity, &[echo, images], 900);
        talk.ask(&echo, command(0x0030), None);
        talk.answer(&echo, command(0x8030), None);
        for _ in 0..2 {
            let (instance, picture) = self.picture(syntax, maker, person);
            let with = |field| Command {
                instance: Some(&instance),
                ..command(field)
            };
            talk.ask(&images, with(0x0001), Some(&picture));
            talk.answer(&images, with(0x8001), None);
        }
        let path = self.path(at, host, &archive.host);
        let stacks = (host.stack, archive.host.stack);
        let port = archive.port;
        self.stage
            .converse(at, &path, stacks, (port, "dicom"), &talk.end());
    }

    /// A workstation looks for a study, has it sent, and gets it on an association of the archive.
    fn reading(&mut self, archive: &Archive) {
        let host = self.computer(Place::Imaging, 31, Stack::WINDOWS);
        let entity = self.entity("BEFUND1");
        let told = [("ae_title", entity.title.as_str())];
        self.device("reading station", &host, "imaging-workstation", &told);
        let maker = Maker {
            modality: "CR",
            class: dicom::RADIOGRAPHY,
            manufacturer: "Lichtbild Erdacht",
            model: "Strahl 3",
            serial: "1".to_owned(),
        };
        let person = self.persons[4].clone();
        let at = self.stage.at(17_000_000);
        let (find, get) = (
            context(1, dicom::STUDY_FIND, Syntax::Explicit),
            context(3, dicom::STUDY_MOVE, Syntax::Implicit),
        );
        let mut talk = Association::new(&entity, &archive.entity, &[find, get], 4096);
        let study = format!("2.25.77{}", &person.number[4..]);
        let level = |syntax| Set::new(syntax).text((0x0008, 0x0052), "CS", "STUDY");
        let question = level(Syntax::Explicit)
            .text((0x0010, 0x0020), "LO", &person.number)
            .text((0x0020, 0x000d), "UI", "");
        talk.ask(&find, command(0x0020), Some(&question));
        let answer = level(Syntax::Explicit)
            .text((0x0010, 0x0010), "PN", &person.name("^"))
            .text((0x0010, 0x0020), "LO", &person.number)
            .text((0x0020, 0x000d), "UI", &study);
        let pending = |field| Command {
            status: 0xff00,
            ..command(field)
        };
        talk.answer(&find, pending(0x8020), Some(&answer));
        talk.answer(&find, command(0x8020), None);
        let wanted = level(Syntax::Implicit).text((0x0020, 0x000d), "UI", &study);
        let send = Command {
            destination: Some(&entity.title),
            ..command(0x0021)
        };
        talk.ask(&get, send, Some(&wanted));
        let progress = |left, done| Some([left, done, 0, 0]);
        let more = Command {
            progress: progress(1, 0),
            ..pending(0x8021)
        };
        talk.answer(&get, more, None);
        let last = Command {
            progress: progress(0, 1),
            ..command(0x8021)
        };
        talk.answer(&get, last, None);
        let path = self.path(at, &host, &archive.host);
        let stacks = (host.stack, archive.host.stack);
        let port = archive.port;
        self.stage
            .converse(at, &path, stacks, (port, "dicom"), &talk.end());
        let back = Archive {
            host: host.clone(),
            entity,
            port: 11_112,
        };
        let sender = (&archive.host, &archive.entity);
        self.store(at.plus(60 * MS), sender, &back, (&maker, &person));
        self.stage
            .truth
            .must("phi-cleartext-inside", host.ip, "low");
    }

    /// The maker's service: a long session and short ones, encrypted.
    fn remote_service(&mut self, host: &Host) {
        let far = std::net::Ipv4Addr::new(203, 0, 113, self.stage.prng.between(10, 99) as u8);
        for n in 0..4 {
            let at = self.stage.at(500_000 + n * 5_000_000);
            let path = self.path_outside(at, host, far);
            let stacks = (host.stack, Stack::LINUX);
            let records = if n == 1 { 6 } else { 1 };
            self.stage
                .browse(at, &path, stacks, "fernwartung.echolot.example", records);
        }
    }
}
