/* disguise.c: see disguise.h. The signatures are from the formats' specifications. */
#include "gguf/disguise.h"
#include "base/file.h"
#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

enum { LOOKED_AT = 512 }; /* bytes read from the file's beginning */

typedef struct signature {
    const char *bytes;
    uint16_t length, offset;
    const char *says; /* follows "'FILE' is " */
} signature;

/* The first match counts. */
static const signature signatures[] = {
    {"version https://git-lfs", 23, 0,
     "a Git LFS pointer, which stands for the file: fetch the file itself with 'git lfs pull' in its folder"},
    {"PK\x03\x04", 4, 0, "a ZIP archive, which PyTorch's checkpoints are too: unpack it, or convert what it holds to GGUF"},
    {"\x93NUMPY", 6, 0, "a NumPy array: a control vector must be exported as GGUF by the tool that made it"},
    {"\x1f\x8b", 2, 0, "compressed with gzip: unpack it first"},
    {"\xfd\x37zXZ", 5, 0, "compressed with xz: unpack it first"},
    {"\x28\xb5\x2f\xfd", 4, 0, "compressed with zstd: unpack it first"},
    {"BZh", 3, 0, "compressed with bzip2: unpack it first"},
    {"7z\xbc\xaf", 4, 0, "a 7z archive: unpack it first"},
    {"ustar", 5, 257, "a tar archive: unpack it first"},
    {"tjgg", 4, 0, "of the format that came before GGUF: convert the original anew, or find it as GGUF"},
    {"fmgg", 4, 0, "of the format that came before GGUF: convert the original anew, or find it as GGUF"},
    {"lmgg", 4, 0, "of the format that came before GGUF: convert the original anew, or find it as GGUF"},
    {"algg", 4, 0, "an adapter of the format that came before GGUF: convert the original anew"},
};

static bool is_at(const unsigned char *head, size_t length, const signature *s) {
    return length >= (size_t)s->offset + s->length && memcmp(head + s->offset, s->bytes, s->length) == 0;
}

/* The beginning of a text, after a byte order mark and white space, in any letter case. */
static bool text_begins(const unsigned char *head, size_t length, const char *word) {
    size_t i = length >= 3 && !memcmp(head, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (i < length && isspace(head[i])) i++;
    for (; *word; word++, i++)
        if (i >= length || tolower(head[i]) != *word) return false;
    return true;
}

/* A JSON header after its length, which is in the first eight bytes. */
static bool is_safetensors(const unsigned char *head, size_t length, uint64_t size) {
    uint64_t header = 0;
    for (size_t i = 0; i < 8 && length > 9; i++) header |= (uint64_t)head[i] << (8 * i);
    return header >= 2 && header < size && head[8] == '{';
}

static const char *looks_like(const unsigned char *head, size_t length, uint64_t size) {
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (is_at(head, length, &signatures[i])) return signatures[i].says;
    if (text_begins(head, length, "<!doctype html") || text_begins(head, length, "<html"))
        return "a web page, not the file that it shows: on Hugging Face, download from the address with /resolve/ in it, "
               "not "
               "/blob/";
    if (text_begins(head, length, "<?xml") || text_begins(head, length, "<error"))
        return "an XML text, such as a server sends instead of a file: look into it, and download again";
    if (is_safetensors(head, length, size))
        return "a safetensors file: convert a model with llama.cpp's convert_hf_to_gguf.py; a control vector must be "
               "exported "
               "as GGUF by the tool that made it";
    if (length > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5)
        return "a Python pickle: a model must be converted to GGUF, a control vector exported as GGUF (in repeng: "
               "export_gguf)";
    if (!length) return "empty, as after a download that did not begin: download it again";
    for (size_t i = 0; i < length; i++)
        if (head[i]) return NULL;
    return "nothing but zeros where it begins, as after a download that was broken off: download it again";
}

/* Letters of any alphabet, and white space: a message, or a text file. */
static bool is_text(const unsigned char *head, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((head[i] < ' ' && !isspace(head[i])) || head[i] == 0x7f) return false;
    size_t bad;
    return tt_utf8_valid((const char *)head, length, &bad) || bad + 4 > length; /* its last letter may be incomplete */
}

bool tt_fail_not_gguf(int fd, uint64_t size, const char *path, const char *otherwise, tt_error *err) {
    unsigned char head[LOOKED_AT];
    const size_t length = size < sizeof head ? (size_t)size : sizeof head;
    if (!tt_pread_all(fd, head, length, 0, path, err)) return false;
    const char *says = looks_like(head, length, size);
    if (says) return tt_fail(err, TT_ERROR_INPUT, "'%s' is %s", path, says);
    if (is_text(head, length) && !text_begins(head, length, "gguf"))
        otherwise = " but text: if it was downloaded, look into it, as servers send such instead of a file";
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is not a GGUF file%s", path, otherwise);
}
