# In place of the file of nixpkgs that has the key pair of its tests: the names that are taken from it, and no key.
pkgs: {
  snakeOilPrivateKey = pkgs.curl // { outPath = "/nix/store/private-key"; };
  snakeOilPublicKey = "ecdsa-sha2-nistp256 AAAA stand-in";
}
