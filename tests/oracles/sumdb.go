// Verifies a mirror of the ledger with the code that the checksum database of Go uses: signature, inclusion of every
// hundredth entry with its bytes, and consistency with an older checkpoint. Ours is only the reading of files.
//
//	sumdb MIRROR VERIFIER-KEY OLD-CHECKPOINT
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type mirror string

func (m mirror) Height() int { return 8 }

func (m mirror) SaveTiles([]tlog.Tile, [][]byte) {}

// C2SP tlog-tiles has `tile/<L>/<N>` where Go has `tile/8/<L>/<N>`.
func (m mirror) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		bytes, err := os.ReadFile(filepath.Join(string(m), path))
		if err != nil {
			return nil, err
		}
		all = append(all, bytes)
	}
	return all, nil
}

func (m mirror) entry(index, size int64) ([]byte, error) {
	bundle := tlog.Tile{H: 8, L: 0, N: index / 256, W: int(min(256, size-index/256*256))}
	path := "tile/entries/" + strings.TrimPrefix(bundle.Path(), "tile/8/0/")
	bytes, err := os.ReadFile(filepath.Join(string(m), path))
	if err != nil {
		return nil, err
	}
	for skip := index % 256; ; skip-- {
		if len(bytes) < 2 || len(bytes) < 2+int(binary.BigEndian.Uint16(bytes)) {
			return nil, fmt.Errorf("%s is cut short", path)
		}
		length := int(binary.BigEndian.Uint16(bytes))
		if skip == 0 {
			return bytes[2 : 2+length], nil
		}
		bytes = bytes[2+length:]
	}
}

func checkpoint(path string, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	bytes, err := os.ReadFile(path)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(bytes, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 3 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("%s is of another log", path)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	copy(tree.Hash[:], root)
	return tree, err
}

func run(m mirror, key, old string) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	tree, err := checkpoint(filepath.Join(string(m), "checkpoint"), verifier)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, m)
	inclusions := 0
	for index := int64(0); index < tree.N; index += 100 {
		entry, err := m.entry(index, tree.N)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
			return err
		}
		inclusions++
	}
	before, err := checkpoint(old, verifier)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
		return err
	}
	fmt.Printf("verified: %d entries, %d inclusions, consistent with %d\n", tree.N, inclusions, before.N)
	return nil
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sumdb MIRROR VERIFIER-KEY OLD-CHECKPOINT")
		os.Exit(2)
	}
	if err := run(mirror(os.Args[1]), os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "not verified:", err)
		os.Exit(1)
	}
}
