/* faults_engine.c: what libllama and libmicrohttpd answer where they cannot; see faults.h. */
#include "support/faults.h"

#include <errno.h>
#include <gguf.h>
#include <llama.h>
#include <microhttpd.h>
#include <stdarg.h>

#pragma GCC visibility push(default) /* the linker also wraps what other libraries ask of these libraries */

/* __wrap_NAME, which gives `failed` where it is to fail. */
#define ENGINE_CALL(type, failed, name, parameters, ...)                                                                    \
    type __real_##name parameters;                                                                                          \
    type __wrap_##name parameters;                                                                                          \
    type __wrap_##name parameters { return tt_faults_strike(TT_FAULT_ENGINE) ? failed : __real_##name(__VA_ARGS__); }

ENGINE_CALL(struct gguf_context *, NULL, gguf_init_from_file, (const char *path, struct gguf_init_params how), path, how)
ENGINE_CALL(struct gguf_context *, NULL, gguf_init_from_callback,
            (gguf_reader_callback_t read, void *data, size_t most, uint64_t size, struct gguf_init_params how), read, data,
            most, size, how)
ENGINE_CALL(struct llama_model *, NULL, llama_model_load_from_file, (const char *path, struct llama_model_params how), path,
            how)
ENGINE_CALL(struct llama_context *, NULL, llama_init_from_model,
            (struct llama_model * model, struct llama_context_params how), model, how)
ENGINE_CALL(int32_t, -3, llama_decode, (struct llama_context * context, struct llama_batch batch), context, batch)
ENGINE_CALL(int32_t, -1, llama_set_adapter_cvec,
            (struct llama_context * context, const float *data, size_t size, int32_t width, int32_t first, int32_t last),
            context, data, size, width, first, last)
ENGINE_CALL(enum MHD_Result, MHD_NO, MHD_queue_response,
            (struct MHD_Connection * to, unsigned status, struct MHD_Response *what), to, status, what)

/* Its options are as many as it likes, so that it is not passed on like the others. */
struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept, void *accept_data,
                                           MHD_AccessHandlerCallback answer, void *answer_data, ...);
struct MHD_Daemon *__wrap_MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept, void *accept_data,
                                           MHD_AccessHandlerCallback answer, void *answer_data, ...) {
    if (tt_faults_strike(TT_FAULT_ENGINE)) {
        errno = EADDRINUSE;
        return NULL;
    }
    va_list options;
    va_start(options, answer_data);
    struct MHD_Daemon *daemon = MHD_start_daemon_va(flags, port, accept, accept_data, answer, answer_data, options);
    va_end(options);
    return daemon;
}
