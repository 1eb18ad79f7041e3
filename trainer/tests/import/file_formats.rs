//! What the files of PyTorch and safetensors hold, and those that nobody should trust.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use trainer::pytorch::{ReadError, ReadProblem, Tensors, VetError, read_tensors};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{fixture, import};
use crate::harness::{FAILED, assert_code, assert_names, temp};

#[test]
fn the_format_before_pytorch_1_6_reads_the_same() {
    let old = read_tensors(&fixture("pixelgan_legacy.pth")).expect("the old format");
    assert!(old == read_tensors(&fixture("pixelgan.pth")).expect("the new format"));
}

/// A tensor as the pickle of a state dict describes it.
struct Claim<'a> {
    storage: &'a str,
    elements: u64,
    offset: u64,
    shape: &'a [u64],
    stride: &'a [u64],
}

const HEAD: &[u8] = b"\x80\x02ccollections\nOrderedDict\n)R(X\x01\x00\x00\x00w";

const TAIL: &[u8] = b"u.";

fn pickled(claim: &Claim<'_>) -> Vec<u8> {
    let number = |value: u64| [&b"\x8a\x08"[..], &value.to_le_bytes()].concat();
    let tuple = |values: &[u64]| {
        let numbers: Vec<u8> = values.iter().flat_map(|value| number(*value)).collect();
        [&b"("[..], &numbers, b"t"].concat()
    };
    [
        HEAD,
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\n",
        claim.storage.as_bytes(),
        b"Storage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu",
        &number(claim.elements),
        b"tQ",
        &number(claim.offset),
        &tuple(claim.shape),
        &tuple(claim.stride),
        b"\x89ccollections\nOrderedDict\n)RtR",
        TAIL,
    ]
    .concat()
}

fn zipped(pickle: &[u8], storage: &[u8], method: CompressionMethod) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(method);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("x/data.pkl", pickle),
        ("x/version", b"3\n"),
        ("x/data/0", storage),
    ] {
        archive.start_file(name, options).expect("an entry");
        archive.write_all(bytes).expect("bytes");
    }
    archive.finish().expect("an archive").into_inner()
}

fn stored(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    zipped(pickle, storage, CompressionMethod::Stored)
}

pub fn read(bytes: &[u8], name: &str) -> Result<Tensors, ReadError> {
    let folder = temp();
    let file = folder.path().join(name);
    fs::write(&file, bytes).expect("a file");
    read_tensors(&file)
}

#[test]
fn every_type_of_float_and_every_stride_is_read() {
    let bytes = |values: [f32; 4]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let whole = |storage| Claim {
        storage,
        elements: 4,
        offset: 0,
        shape: &[4],
        stride: &[1],
    };
    let doubles: Vec<u8> = [1.0f64, -2.0, 0.5, 4.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    for (claim, storage, expected) in [
        (
            whole("Float"),
            bytes([1.0, -2.0, 0.5, 4.0]),
            vec![1.0, -2.0, 0.5, 4.0],
        ),
        (whole("Double"), doubles, vec![1.0, -2.0, 0.5, 4.0]),
        (
            whole("Half"),
            vec![0, 0x3c, 0, 0xc0, 0, 0x38, 0, 0x44],
            vec![1.0, -2.0, 0.5, 4.0],
        ),
        (
            whole("BFloat16"),
            vec![0x80, 0x3f, 0, 0xc0, 0, 0x3f, 0x80, 0x40],
            vec![1.0, -2.0, 0.5, 4.0],
        ),
        (
            Claim {
                shape: &[2, 2],
                stride: &[1, 2],
                ..whole("Float")
            },
            bytes([1.0, 2.0, 3.0, 4.0]),
            vec![1.0, 3.0, 2.0, 4.0],
        ),
        (
            Claim {
                offset: 1,
                shape: &[2],
                stride: &[2],
                ..whole("Float")
            },
            bytes([1.0, 2.0, 3.0, 4.0]),
            vec![2.0, 4.0],
        ),
    ] {
        let tensors = read(&stored(&pickled(&claim), &storage), "x.pth").expect(claim.storage);
        assert_eq!(tensors["w"].values, expected, "{}", claim.storage);
    }
}

#[test]
fn claims_beyond_the_file_are_refused_without_the_memory_for_them() {
    const HUGE: u64 = 1 << 40;
    let claim = |elements, shape, stride| Claim {
        storage: "Float",
        elements,
        offset: 0,
        shape,
        stride,
    };
    for (what, claim) in [
        (
            "a storage shorter than its shape",
            claim(4, &[2, 3][..], &[3, 1][..]),
        ),
        ("a storage longer than its file", claim(6, &[2, 3], &[3, 1])),
        ("a shape of 2^40", claim(HUGE, &[HUGE], &[1])),
        ("one number 2^40 times", claim(4, &[HUGE], &[0])),
        (
            "one number more often than there are bytes",
            claim(4, &[1 << 20], &[0]),
        ),
        ("eight billion bytes from four", claim(4, &[1 << 31], &[0])),
        ("a product that overflows", claim(4, &[HUGE, HUGE], &[0, 0])),
        (
            "a stride that overflows",
            claim(4, &[2, 2], &[u64::MAX >> 1, 1]),
        ),
        ("a negative shape", claim(4, &[u64::MAX], &[1])),
        ("more sides than strides", claim(4, &[2, 2], &[1])),
        ("a negative storage", claim(u64::MAX, &[4], &[1])),
    ] {
        let bytes = stored(&pickled(&claim), &[0; 16]);
        let refused = read(&bytes, "x.pth").expect_err(what);
        assert!(
            matches!(
                refused.source,
                ReadProblem::Damaged(_) | ReadProblem::TooLarge { .. }
            ),
            "{what}: {refused}"
        );
    }
    let beyond = Claim {
        offset: HUGE,
        ..claim(4, &[2], &[1])
    };
    read(&stored(&pickled(&beyond), &[0; 16]), "x.pth").expect_err("an offset outside");
}

#[test]
fn headers_of_safetensors_are_not_believed() {
    let file = |length: u64, json: &str, data: &[u8]| {
        [&length.to_le_bytes(), json.as_bytes(), data].concat()
    };
    let header = |json: &str, data: &[u8]| file(json.len() as u64, json, data);
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let sixteen = [0; 16];
    for (what, bytes) in [
        ("a length of 2^64 - 1", file(u64::MAX, "{}", &[])),
        ("a length of 2^40", file(1 << 40, "{}", &[])),
        ("a length beyond the file", file(50, "{}", &[])),
        (
            "2^40 numbers",
            header(&tensor("F32", "[1099511627776]", "[0,4398046511104]"), &[]),
        ),
        (
            "2^40 numbers in 16 bytes",
            header(&tensor("F32", "[1099511627776]", "[0,16]"), &sixteen),
        ),
        (
            "an overflow",
            header(
                &tensor("F32", "[4294967296,4294967296,4]", "[0,16]"),
                &sixteen,
            ),
        ),
        (
            "offsets that go back",
            header(&tensor("F32", "[4]", "[16,0]"), &sixteen),
        ),
        (
            "another type",
            header(&tensor("F99", "[4]", "[0,16]"), &sixteen),
        ),
        ("no JSON", header("{{{{", &[])),
        (
            "nesting without end",
            header(&format!("{{\"a\":{}", "[".repeat(100_000)), &[]),
        ),
        ("nothing", Vec::new()),
    ] {
        let refused = read(&bytes, "x.safetensors").expect_err(what);
        assert!(
            matches!(refused.source, ReadProblem::Damaged(_)),
            "{what}: {refused}"
        );
    }
    for (dtype, data) in [
        ("F64", &1.5f64.to_le_bytes()[..]),
        ("F16", &[0, 0x3e]),
        ("BF16", &[0xc0, 0x3f]),
    ] {
        let file = header(&tensor(dtype, "[1]", &format!("[0,{}]", data.len())), data);
        assert_eq!(
            read(&file, "x.safetensors").expect(dtype)["w"].values,
            [1.5]
        );
    }
    let fits = header(&tensor("F32", "[4]", "[0,16]"), &sixteen);
    assert_eq!(
        read(&fits, "x.pth").expect("known by its content")["w"].values,
        [0.0; 4]
    );
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["pixelgan.pth", "pixelgan_legacy.pth"] {
        let whole = fs::read(fixture(name)).expect("a fixture");
        assert!(read(&whole, "x.pth").is_ok());
        for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
            assert!(
                read(&whole[..length], "x.pth").is_err(),
                "{name}, {length} bytes"
            );
        }
    }
}

#[test]
fn a_damaged_file_is_read_or_refused_but_never_crashes() {
    for name in ["pixelgan.pth", "pixelgan_legacy.pth"] {
        let whole = fs::read(fixture(name)).expect("a fixture");
        for index in (0..whole.len()).step_by(3) {
            let mut damaged = whole.clone();
            damaged[index] ^= 1 << (index % 8);
            let _ = read(&damaged, "x.pth");
        }
    }
}

#[test]
fn what_nobody_should_trust_is_refused_with_a_remedy() {
    let call = b"\x80\x02cos\nsystem\nX\x0d\x00\x00\x00touch touched\x85R.";
    let inside = [
        HEAD,
        b"cposix\nsystem\nX\x0d\x00\x00\x00touch touched\x85R",
        TAIL,
    ]
    .concat();
    let many = [&b"\x80\x02"[..], &b")\x85".repeat(5_000), b"."].concat();
    let deep = [&b"\x80\x02)"[..], &b"\x85".repeat(5_000), b"."].concat();
    let endless = [&b"\x80\x02"[..], &b"N".repeat(3 << 20), b"."].concat();
    let nan = Claim {
        storage: "Float",
        elements: 1,
        offset: 0,
        shape: &[1],
        stride: &[1],
    };
    let entry = pickled(&nan);
    let nan = |value: f32| stored(&entry, &value.to_le_bytes());
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let compressed = zipped(&endless, &[], CompressionMethod::Deflated);
    assert!(compressed.len() < 10_000);
    let folder = temp();
    for (name, bytes, words) in [
        ("call.pth", stored(call, &[]), ["os.system", "state_dict()"]),
        (
            "inside.pth",
            stored(&inside, &[]),
            ["posix.system", "state_dict()"],
        ),
        (
            "opcode.pth",
            stored(b"\x80\x02\x99.", &[]),
            ["0x99 at byte 2", "state_dict()"],
        ),
        (
            "inst.pth",
            stored(b"\x80\x02(ios\nsystem\n.", &[]),
            ["0x69", "state_dict()"],
        ),
        (
            "frame.pth",
            stored(b"\x80\x04\x95\0\0\0\0\0\0\0\0.", &[]),
            ["0x95", "state_dict()"],
        ),
        (
            "many.pth",
            stored(&many, &[]),
            ["found tuple", "state_dict()"],
        ),
        (
            "none.pth",
            stored(b"\x80\x02}.", &[]),
            ["no floating point tensor", "state_dict()"],
        ),
        ("deep.pth", stored(&deep, &[]), ["nesting", "again"]),
        (
            "long.pth",
            stored(&endless, &[]),
            ["longer than", "state_dict()"],
        ),
        ("bomb.pth", compressed, ["compressed", "zip -0"]),
        ("nan.pth", nan(f32::NAN), ["tensor \"w\"", "earlier epoch"]),
        (
            "inf.pth",
            nan(f32::INFINITY),
            ["tensor \"w\"", "earlier epoch"],
        ),
        ("tar.pth", tar, ["0.1.9", "newer"]),
        (
            "text.pth",
            b"hello".to_vec(),
            ["neither", ".pth of a generator"],
        ),
        ("empty.pth", Vec::new(), ["neither", ".pth of a generator"]),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).expect("a file");
        let output = import(folder.path(), &file, &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[&[name][..], &words[..]].concat());
        assert!(!folder.path().join("model").exists(), "{name}");
        assert!(!folder.path().join("touched").exists(), "{name}");
    }
    for (path, words) in [(".", "not a file"), ("missing.pth", "check path")] {
        let output = import(folder.path(), Path::new(path), &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[path, words]);
    }
}

#[test]
fn a_whole_pickled_module_is_refused_by_the_name_of_its_class() {
    let module = b"\x80\x02cmodels.networks\nResnetGenerator\n)\x81.";
    let refused = read(&stored(module, &[]), "x.pth").expect_err("a class");
    let ReadProblem::Vet(source) = &refused.source else {
        panic!("{refused}");
    };
    assert!(matches!(source, VetError::Global(name) if name == "models.networks.ResnetGenerator"));
}
