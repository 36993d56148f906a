// Finds the style sheet, script and icon of the pages; each has an address that changes with its content.
import { assets } from "./assets.gen.ts";

export type Asset = { body: string; contentType: string; etag: string };
export type AssetAnswer = { body: string; headers: Record<string, string> };

const root = "/_sesta/assets/";

/** Address of an asset: `/_sesta/assets/HASH/page.css`. */
export function getAssetPath(name: keyof typeof assets): string {
  return `${root}${hashOf(assets[name])}/${name}`;
}

/**
 * The asset at `pathname`, with or without a hash in it. Only under its own hash may it be kept for ever; under an
 * older one, or none, the browser must ask again.
 */
export function findAsset(pathname: string): AssetAnswer | undefined {
  const [, hash, name] = /^\/_sesta\/assets\/(?:([0-9a-f]{16})\/)?([a-z]+\.[a-z]+)$/.exec(pathname) ?? [];
  const asset = Object.entries<Asset>(assets).find(([key]) => key === name)?.[1];
  if (asset === undefined) return undefined;
  return {
    body: asset.body,
    headers: {
      "content-type": asset.contentType,
      etag: asset.etag,
      "cache-control": hash === hashOf(asset) ? "public, max-age=31536000, immutable" : "no-cache",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
    },
  };
}

function hashOf(asset: Asset): string {
  return asset.etag.slice(1, -1);
}
