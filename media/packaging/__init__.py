"""One CMAF set for DASH and HLS: muxed and encrypted, manifests rewritten, every rule checked, decrypted as proof."""
