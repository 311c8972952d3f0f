export default function Page() {
  return <p>Images are at /_next/image.</p>;
}
