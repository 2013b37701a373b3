use std::io::Write;

use http_body::Body as _;
use http_body_util::BodyExt;

use super::*;

fn file_of(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

async fn all(body: Body) -> io::Result<Bytes> {
    body.collect().await.map(http_body_util::Collected::to_bytes)
}

#[tokio::test]
async fn a_file_comes_whole_and_in_part() {
    let bytes: Vec<u8> = (0..700_001_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let file = file_of(&bytes);
    for (start, end) in [(0, 700_001), (1, 2), (0, 262_144), (262_143, 600_000), (700_000, 700_001)] {
        let body = Body::file(file.clone(), start as u64..end as u64);
        assert_eq!(body.size_hint().exact(), Some((end - start) as u64));
        assert_eq!(all(body).await.unwrap(), bytes[start..end], "{start}..{end}");
    }
}

#[tokio::test]
async fn the_blocking_path_gives_the_same_bytes() {
    let file = file_of(b"0123456789");
    let read = tokio::task::spawn_blocking(|| Ok(Bytes::from_static(b"234")));
    let body = Body(Inner::File(FileRange { file, rest: 2..10, reading: Some(read) }));
    assert_eq!(all(body).await.unwrap(), "23456789");
}

#[tokio::test]
async fn a_file_that_shrank_breaks_off() {
    let body = Body::file(file_of(b"0123"), 0..10);
    assert_eq!(all(body).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn bytes_and_nothing() {
    assert!(Body::empty().is_end_stream() && Body::from("").is_end_stream());
    assert!(Body::file(file_of(b"x"), 0..0).is_end_stream());
    let body = Body::from("text");
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(4), false));
    assert_eq!(all(body).await.unwrap(), "text");
    assert_eq!(all(Body::from(String::from("s"))).await.unwrap(), "s");
}
