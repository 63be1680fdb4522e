/* fuzz_helper.c: the exchange with the process that lays out conversations, in both directions.
 *
 * The first byte chooses. What it says: the other bytes come from a helper that then ends, or stays silent; whatever they
 * are, there is an answer that is checked to the last field, or a sentence. What it is told: the other bytes are a request
 * as a client may send it; what goes to the helper is one line of JSON. */
#include "base/json.h"
#include "base/text.h"
#include "chat/helper_process.h"
#include "chat/reply.h"
#include "model/chat_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENDS, SILENT, TOLD, WAYS, ROOM = 1 << 16 };

/* What came back, read as the answer to each kind of request. */
static void read_answer(const tt_text *answer) {
    tt_error err = {0};
    yyjson_doc *doc = tt_reply_read(answer->data ? answer->data : "", answer->length, &err);
    if (!doc) {
        if (!*err.message) abort();
        return;
    }
    tt_template_facts facts;
    tt_reply_facts(yyjson_doc_get_root(doc), &facts, NULL);
    for (size_t count = 0; count < 3; count++)
        for (int whole = 0; whole < 2; whole++) {
            tt_rendered rendered[3];
            err = (tt_error){0};
            const bool ok = tt_reply_rendered(yyjson_doc_get_root(doc), whole, rendered, count, &err);
            if (!ok && !*err.message) abort();
            for (size_t i = 0; ok && i < count; i++) {
                if (!rendered[i].prompt || (whole && !rendered[i].parser)) abort();
                tt_rendered_free(&rendered[i]);
            }
        }
    yyjson_doc_free(doc);
}

static void hear(const char *bytes, size_t length, bool silent) {
    int ends[2];
    if (length > ROOM || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    if (send(ends[1], bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length || !silent) shutdown(ends[1], SHUT_WR);
    tt_helper helper = {.channel = ends[0], .process = -1, .deadline = silent ? 0.002 : 10};
    tt_text answer = {0};
    tt_error err = {0};
    const tt_helper_outcome outcome = tt_helper_ask(&helper, "{}\n", 3, &answer, &err);
    const char *newline = memchr(bytes, '\n', length);
    const bool whole = newline && newline == bytes + length - 1;
    if (outcome == TT_HELPER_LATE ? !silent : whole != (outcome == TT_HELPER_ANSWERED)) abort(); /* a busy machine is late */
    if (outcome == TT_HELPER_FAILED) abort();
    if (outcome == TT_HELPER_ANSWERED) read_answer(&answer);
    if (outcome != TT_HELPER_ANSWERED && tt_helper_running(&helper)) abort();
    tt_text_free(&answer);
    tt_helper_close(&helper);
    close(ends[1]);
}

static void tell(const char *bytes, size_t length) {
    yyjson_doc *request = tt_json_parse("a request", bytes, length, NULL);
    if (!request) return;
    const tt_chat_request_rules rules = {.kwargs = yyjson_obj_get(yyjson_doc_get_root(request), "kwargs")};
    yyjson_mut_doc *doc = tt_json_new();
    yyjson_mut_val *requests = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, requests);
    if (yyjson_is_obj(rules.kwargs) || !rules.kwargs)
        if (tt_chat_request_copy(doc, requests, yyjson_doc_get_root(request), &rules, NULL)) {
            size_t size;
            char *line = tt_json_text(doc, YYJSON_WRITE_NEWLINE_AT_END, &size, NULL);
            if (line && (strlen(line) != size || strchr(line, '\n') != line + size - 1)) abort();
            free(line);
        }
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    const char *bytes = (const char *)data + 1;
    switch (data[0] % WAYS) {
    case ENDS:
        hear(bytes, size - 1, false);
        break;
    case SILENT:
        hear(bytes, size - 1, true);
        break;
    case TOLD:
        tell(bytes, size - 1);
        break;
    }
    return 0;
}
