/* fuzz_chat.c: request bodies from anywhere, against a tiny model without vectors. The first byte chooses the endpoint. */
#include "server/protocols/openai.h"
#include "support/tiny_model.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tt_request_world world;

/* Once for the whole run; the process' end frees it. */
static void prepare(void) {
    char path[] = "/tmp/trimtab-fuzz-XXXXXX";
    const int fd = mkstemp(path);
    const tt_engine_options engine_options = {0};
    if (fd < 0 || !tt_tiny_model_write(path, NULL)) abort();
    tt_engine *engine = tt_engine_start(&engine_options, NULL);
    tt_model *model = engine ? tt_model_open(engine, &(tt_model_options){.path = path, .threads = 1}, NULL) : NULL;
    if (!model) abort();
    world = (tt_request_world){model,
                               tt_chat_open(model, &(tt_chat_options){.name = "chatml"}, NULL),
                               tt_mixes_open(model, "tiny", NULL, NULL, NULL, NULL),
                               "tiny",
                               512,
                               -1};
    if (!world.chat || !world.mixes) abort();
    close(fd);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!world.model) prepare();
    if (size == 0) return 0;
    tt_request request;
    tt_refusal refusal = {0};
    /* The copy ends where the input does, so that the sanitizer sees a read beyond it. */
    if (tt_openai_parse(&request, &world, data[0] & 1, (const char *)data + 1, size - 1, &refusal))
        tt_request_free(&request);
    else if (refusal.status < 400 || !refusal.error.message[0])
        abort(); /* refused without saying why */
    return 0;
}
