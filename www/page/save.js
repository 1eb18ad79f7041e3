// What one takes away: a file, the clipboard, a link. The link carries the
// model and the settings; a picture is never in it.

const TYPES = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp' };
const ENDINGS = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' };
const QUALITY = 0.92;

/** `format`: png | jpeg | webp. */
export function encode(canvas, format) {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => {
        if (blob) resolve(blob);
        else reject(new Error('The picture could not be encoded. Try another format.'));
      },
      TYPES[format],
      QUALITY,
    );
  });
}

/** The file name under which it was offered. */
export async function save(canvas, name, format) {
  const blob = await encode(canvas, format);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  // A browser that cannot write a format writes PNG.
  link.download = `${name}.${ENDINGS[blob.type] ?? 'png'}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return link.download;
}

/** `canvas` may be a promise: Safari wants the call within the click. */
export async function copyPicture(canvas) {
  if (!navigator.clipboard?.write) throw new Error('This browser copies no pictures. Save it instead.');
  const picture = Promise.resolve(canvas).then((ready) => encode(ready, 'png'));
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
}

/** Shares `url` by the system's sheet where there is one, else copies it; says
    which. */
export async function shareLink(url, title) {
  const isTouch = matchMedia('(pointer: coarse)').matches;
  if (isTouch && navigator.share) {
    await navigator.share({ title, url });
    return 'shared';
  }
  await navigator.clipboard.writeText(url);
  return 'copied';
}
