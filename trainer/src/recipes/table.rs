//! The recipes: data, no code. A length or a hash stands here only where somebody published it;
//! what is not known is `None`.
//!
//! Directions, epochs and batches of the pix2pix sets: arXiv 1611.07004, section 6.2, and the
//! scripts of junyanz/pytorch-CycleGAN-and-pix2pix and phillipi/pix2pix. Lengths and hashes of the
//! CycleGAN sets and of `flower_photos`: the checksum lists of TensorFlow Datasets.

use super::{DataSet, Layout, Recipe, Source};

const PIX2PIX_PAPER: &str = "arXiv 1611.07004, section 6.2; the rate falls over the second half, \
    as in pytorch-CycleGAN-and-pix2pix";
const PIX2PIX_PAPER_SHORT: &str = "arXiv 1611.07004, section 6.2";
const CYCLEGAN_PAPER: &str =
    "arXiv 1703.10593, section 7.1, and the defaults of pytorch-CycleGAN-and-pix2pix";
const OWN: &str = "this project; not from a paper";

const PIX2PIX_CITATION: &str = "Isola, Zhu, Zhou, Efros: Image-to-Image Translation with \
    Conditional Adversarial Networks, CVPR 2017";
const CYCLEGAN_CITATION: &str = "Zhu, Park, Isola, Efros: Unpaired Image-to-Image Translation \
    using Cycle-Consistent Adversarial Networks, ICCV 2017";
const IMAGENET_LICENSE: &str = "images from ImageNet: non-commercial research and education; \
    the photographers keep their rights (https://www.image-net.org/download.php)";

/// As the pix2pix paper learns most sets, in this direction.
macro_rules! pix2pix {
    ($direction:literal) => {
        concat!(
            "--model pix2pix --net-g unet_256 --net-d basic --base 64 --base-d 64 --norm batch \
             --norm-d batch --dropout 0.5 --gan-mode vanilla --batch 1 --preprocess resize_and_crop \
             --load-size 286 --size 256 --lr 0.0002 --lr-policy linear --epochs 100 \
             --epochs-decay 100 --lambda-l1 100 --direction ",
            $direction
        )
    };
}
const OUTLINES_FLAGS: &str = "--model pix2pix --net-g unet_256 --net-d basic --base 64 --base-d 64 --norm batch \
    --norm-d batch --dropout 0.5 --gan-mode vanilla --batch 4 \
    --preprocess resize_and_crop --load-size 256 --size 256 --no-flip --lr 0.0002 \
    --lr-policy constant --epochs 15 --epochs-decay 0 --lambda-l1 100 --direction AtoB";
const CYCLEGAN_FLAGS: &str = "--model cyclegan --net-g resnet_9blocks --net-d basic --base 64 \
    --base-d 64 --norm instance --norm-d instance --dropout 0 --gan-mode lsgan --batch 1 \
    --preprocess resize_and_crop --load-size 286 --size 256 --lr 0.0002 --lr-policy linear \
    --epochs 100 --epochs-decay 100 --lambda-cycle 10 --lambda-identity 0.5 --direction AtoB";

/// Photos from which `task` makes the inputs.
const fn flowers(task: &'static str) -> DataSet {
    DataSet {
        name: "flower-photos",
        source: Source::Archive {
            url: "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
            bytes: Some(228_813_984),
            sha256: Some("4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c"),
            about: "229 MB",
        },
        layout: Layout::Photos { task },
        license: "CC BY 2.0; LICENSE.txt in the set names every photographer, who must be credited",
        citation: "The TensorFlow Team: Flowers, 2019",
    }
}

const fn cyclegan(
    name: &'static str,
    title: &'static str,
    source: Source,
    license: &'static str,
) -> Recipe {
    Recipe {
        name,
        title,
        flags: CYCLEGAN_FLAGS,
        settings_from: CYCLEGAN_PAPER,
        data: DataSet {
            name,
            source,
            layout: Layout::Unpaired,
            license,
            citation: CYCLEGAN_CITATION,
        },
    }
}

/// Every recipe, in the order that `trainer recipes` lists them.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        name: "facades",
        title: "label maps to photos of façades",
        flags: pix2pix!("BtoA"),
        settings_from: PIX2PIX_PAPER,
        data: DataSet {
            name: "facades",
            source: Source::Archive {
                url: "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/facades.tar.gz",
                bytes: Some(30_168_306),
                sha256: None,
                about: "30 MB",
            },
            layout: Layout::Combined,
            license: "terms of the CMP Facade Database: \
                https://cmp.felk.cvut.cz/~tylecr1/facade/; the archive states none",
            citation: "Tyleček, Šára: Spatial Pattern Templates for Recognition of Objects with \
                Regular Structure, GCPR 2013",
        },
    },
    Recipe {
        name: "cityscapes",
        title: "label maps to photos of streets",
        flags: pix2pix!("BtoA"),
        settings_from: PIX2PIX_PAPER,
        data: DataSet {
            name: "cityscapes",
            source: Source::ByHand {
                page: "https://www.cityscapes-dataset.com/downloads/",
                instructions: "register, download leftImg8bit_trainvaltest.zip and \
                    gtFine_trainvaltest.zip, and copy every photo CITY_…_leftImg8bit.png of \
                    train and val to datasets/cityscapes/photos/{train,val}/CITY_….png and its \
                    label map CITY_…_gtFine_color.png to \
                    datasets/cityscapes/labels/{train,val}/CITY_….png",
            },
            layout: Layout::TwoFolders {
                a: "photos",
                b: "labels",
            },
            license: "own licence, non-commercial, after registration; must not be passed on \
                (https://www.cityscapes-dataset.com/license/)",
            citation: "Cordts et al.: The Cityscapes Dataset for Semantic Urban Scene \
                Understanding, CVPR 2016",
        },
    },
    Recipe {
        name: "maps",
        title: "aerial photos to maps; --direction BtoA for the way back",
        flags: pix2pix!("AtoB"),
        settings_from: PIX2PIX_PAPER,
        data: DataSet {
            name: "maps",
            source: Source::Archive {
                url: "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/maps.tar.gz",
                bytes: None,
                sha256: None,
                about: "250 MB",
            },
            layout: Layout::Combined,
            license: "no licence stated; the images come from Google Maps, whose terms apply",
            citation: PIX2PIX_CITATION,
        },
    },
    Recipe {
        name: "edges2shoes",
        title: "outlines to photos of shoes",
        flags: OUTLINES_FLAGS,
        settings_from: PIX2PIX_PAPER_SHORT,
        data: DataSet {
            name: "edges2shoes",
            source: Source::Archive {
                url: "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/edges2shoes.tar.gz",
                bytes: None,
                sha256: None,
                about: "2.2 GB",
            },
            layout: Layout::Combined,
            license: "UT Zappos50K: academic, non-commercial use \
                (http://vision.cs.utexas.edu/projects/finegrained/utzap50k/)",
            citation: "Yu, Grauman: Fine-Grained Visual Comparisons with Local Learning, CVPR \
                2014",
        },
    },
    Recipe {
        name: "edges2handbags",
        title: "outlines to photos of handbags",
        flags: OUTLINES_FLAGS,
        settings_from: PIX2PIX_PAPER_SHORT,
        data: DataSet {
            name: "edges2handbags",
            source: Source::Archive {
                url: "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/edges2handbags.tar.gz",
                bytes: None,
                sha256: None,
                about: "8.6 GB",
            },
            layout: Layout::Combined,
            license: "no licence stated; product images from Amazon, gathered for research by \
                the iGAN project (https://github.com/junyanz/iGAN)",
            citation: "Zhu, Krähenbühl, Shechtman, Efros: Generative Visual Manipulation on the \
                Natural Image Manifold, ECCV 2016",
        },
    },
    Recipe {
        name: "day2night",
        title: "webcam images by day to the same by night",
        flags: "--model pix2pix --net-g unet_256 --net-d basic --base 64 --base-d 64 --norm batch \
            --norm-d batch --dropout 0.5 --gan-mode vanilla --batch 4 \
            --preprocess resize_and_crop --load-size 286 --size 256 --lr 0.0002 \
            --lr-policy constant --epochs 17 --epochs-decay 0 --lambda-l1 100 --direction BtoA",
        settings_from: PIX2PIX_PAPER_SHORT,
        data: DataSet {
            name: "day2night",
            source: Source::Archive {
                url: "http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/night2day.tar.gz",
                bytes: None,
                sha256: None,
                about: "size not published",
            },
            layout: Layout::Combined,
            license: "no licence stated; webcam images of the Transient Attributes set \
                (http://transattr.cs.brown.edu/)",
            citation: "Laffont, Ren, Tao, Qian, Hays: Transient Attributes for High-Level \
                Understanding and Editing of Outdoor Scenes, SIGGRAPH 2014",
        },
    },
    Recipe {
        name: "flowers-deblur",
        title: "flowers out of focus to sharp ones; small enough for a CPU",
        flags: "--model pix2pix --net-g unet_128 --net-d basic --base 24 --base-d 8 --norm none \
            --norm-d batch --dropout 0 --gan-mode vanilla --batch 2 \
            --preprocess resize_and_crop --load-size 256 --size 128 --lr 0.0006 \
            --lr-policy linear --steps 7500 --lambda-l1 100 --lambda-gan 0.005 --weights q8 \
            --direction AtoB",
        settings_from: "this project: those of www/models/flowers-deblur, in one stage",
        data: flowers("deblur"),
    },
    Recipe {
        name: "flowers-restore",
        title: "flowers with blur, noise, JPEG and low resolution to clean ones; small enough for a CPU",
        flags: "--model pix2pix --net-g unet_128 --net-d basic --base 24 --base-d 8 --norm none \
            --norm-d batch --dropout 0 --gan-mode vanilla --batch 2 \
            --preprocess resize_and_crop --load-size 256 --size 128 --lr 0.0006 \
            --lr-policy linear --steps 20000 --lambda-l1 100 --lambda-gan 0.005 --weights q8 \
            --direction AtoB",
        settings_from: OWN,
        data: flowers("restore"),
    },
    Recipe {
        name: "colorize",
        title: "grey photos to colour",
        flags: "--model pix2pix --net-g unet_256 --net-d basic --base 64 --base-d 64 --norm batch \
            --norm-d batch --dropout 0.5 --gan-mode vanilla --batch 4 \
            --preprocess resize_and_crop --load-size 256 --size 256 --lr 0.0002 \
            --lr-policy linear --epochs 50 --epochs-decay 50 --lambda-l1 100 --direction AtoB",
        settings_from: "arXiv 1611.07004, section 6.2 (batch 4, mirrored, not jittered), which \
            took 6 epochs of ImageNet; the length is this project's",
        data: flowers("colorize"),
    },
    cyclegan(
        "horse2zebra",
        "horses to zebras and back",
        Source::Archive {
            url: "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets/horse2zebra.zip",
            bytes: Some(116_867_962),
            sha256: Some("a74d9d392eecca9966b51287a76ca126af473d9de4f3e8fc0e9cda08fa1730a1"),
            about: "117 MB",
        },
        IMAGENET_LICENSE,
    ),
    cyclegan(
        "summer2winter",
        "Yosemite in summer to winter and back",
        Source::Archive {
            url: "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets/summer2winter_yosemite.zip",
            bytes: Some(132_640_856),
            sha256: Some("167fe1726807a9d22bd106b4a6c0bd7953b688af924ac1bf967439c4961e49f9"),
            about: "133 MB",
        },
        "photos from Flickr; the photographers keep their rights, no licence stated",
    ),
    cyclegan(
        "monet2photo",
        "Monet's paintings to landscape photos and back",
        Source::Archive {
            url: "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets/monet2photo.zip",
            bytes: Some(305_231_073),
            sha256: Some("88f91b00fc228f97c9411fbf1880ec1d119c98f1722e4cfcfaa2fb35fac05b04"),
            about: "305 MB",
        },
        "paintings from WikiArt, photos from Flickr whose photographers keep their \
                rights; no licence stated",
    ),
    cyclegan(
        "apple2orange",
        "apples to oranges and back",
        Source::Archive {
            url: "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets/apple2orange.zip",
            bytes: Some(78_456_409),
            sha256: Some("845a191e9af8926408ea597001cd03a452e3300a1f44a79fe329b3d59f6e3eb8"),
            about: "78 MB",
        },
        IMAGENET_LICENSE,
    ),
    Recipe {
        name: "sparse-depth",
        title: "sparse depth of a laser scanner to dense depth",
        flags: "--model pix2pix --net-g unet_256 --net-d basic --base 64 --base-d 64 --norm none \
            --norm-d batch --dropout 0 --gan-mode lsgan --batch 4 --preprocess crop --size 256 --depth-a 20480 --depth-b 20480 \
            --lr 0.0002 --lr-policy linear --epochs 5 --epochs-decay 5 --lambda-l1 100 \
            --lambda-gan 0.1 --skip-unmatched --direction AtoB",
        settings_from: OWN,
        data: DataSet {
            name: "sparse-depth",
            source: Source::ByHand {
                page: "https://www.cvlibs.net/datasets/kitti/eval_depth.php?benchmark=depth_completion",
                instructions: "download data_depth_velodyne.zip (sparse) and \
                    data_depth_annotated.zip (dense), and move, for train and val, \
                    DRIVE/proj_depth/velodyne_raw to datasets/sparse-depth/sparse/{train,val}/DRIVE \
                    and DRIVE/proj_depth/groundtruth to \
                    datasets/sparse-depth/dense/{train,val}/DRIVE; the images are 16-bit PNGs, \
                    metres times 256, 0 where nothing was measured",
            },
            layout: Layout::TwoFolders {
                a: "sparse",
                b: "dense",
            },
            license: "CC BY-NC-SA 3.0 (https://www.cvlibs.net/datasets/kitti/)",
            citation: "Uhrig et al.: Sparsity Invariant CNNs, 3DV 2017",
        },
    },
];
