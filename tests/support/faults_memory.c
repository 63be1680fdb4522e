/* faults_memory.c: the calls that take memory, or threads; see faults.h. A call is __wrap_NAME here and __real_NAME where it
 * was meant to go. */
#include "support/faults.h"

#include <dirent.h>
#include <errno.h>
#include <histedit.h>
#include <lapacke.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#pragma GCC visibility push(default) /* the linker also wraps what other libraries ask of these libraries */

static bool strike(void) {
    if (!tt_faults_strike(TT_FAULT_MEMORY)) return false;
    errno = ENOMEM;
    return true;
}

/* ==== The C library's ==== */

/* Declares __real_NAME and __wrap_NAME. */
#define CALL(type, name, parameters)                                                                                        \
    type __real_##name parameters;                                                                                          \
    type __wrap_##name parameters;

/* Defines __wrap_NAME, too, which gives `failed` where memory is to be short. */
#define FAILING_CALL(type, failed, name, parameters, ...)                                                                   \
    CALL(type, name, parameters)                                                                                            \
    type __wrap_##name parameters { return strike() ? failed : __real_##name(__VA_ARGS__); }

FAILING_CALL(void *, NULL, malloc, (size_t size), size)
FAILING_CALL(void *, NULL, calloc, (size_t count, size_t size), count, size)
FAILING_CALL(void *, NULL, realloc, (void *memory, size_t size), memory, size)
FAILING_CALL(char *, NULL, strdup, (const char *text), text)
FAILING_CALL(int, EAGAIN, pthread_create,
             (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data), thread, attributes,
             run, data)
CALL(int, vasprintf, (char **text, const char *format, va_list args))
CALL(int, __vasprintf_chk, (char **text, int flag, const char *format, va_list args))
CALL(DIR *, opendir, (const char *path))

/* What is in *text after a failure is undefined: something that must not be freed. */
int __wrap_vasprintf(char **text, const char *format, va_list args) {
    if (!strike()) return __real_vasprintf(text, format, args);
    *text = (char *)1;
    return -1;
}

int __wrap___vasprintf_chk(char **text, int flag, const char *format, va_list args) {
    if (!strike()) return __real___vasprintf_chk(text, flag, format, args);
    *text = (char *)1;
    return -1;
}

/* Allocates a buffer, and opens. */
DIR *__wrap_opendir(const char *path) {
    if (strike()) return NULL;
    if (tt_faults_strike(TT_FAULT_BORNE)) {
        errno = EIO;
        return NULL;
    }
    return __real_opendir(path);
}

/* ==== yyjson's: all that it allocates goes through these ==== */

CALL(yyjson_doc *, yyjson_read_opts,
     (char *bytes, size_t length, yyjson_read_flag flags, const yyjson_alc *alc, yyjson_read_err *err))
CALL(yyjson_mut_doc *, yyjson_mut_doc_new, (const yyjson_alc *alc))
CALL(yyjson_mut_doc *, yyjson_mut_doc_mut_copy, (yyjson_mut_doc * doc, const yyjson_alc *alc))
CALL(char *, yyjson_mut_write_opts,
     (const yyjson_mut_doc *doc, yyjson_write_flag flags, const yyjson_alc *alc, size_t *length, yyjson_write_err *err))

static void *json_malloc(void *context, size_t size) {
    (void)context;
    return __wrap_malloc(size);
}

static void *json_realloc(void *context, void *memory, size_t old_size, size_t size) {
    (void)context;
    (void)old_size;
    return __wrap_realloc(memory, size);
}

static void json_free(void *context, void *memory) {
    (void)context;
    free(memory);
}

static const yyjson_alc *or_ours(const yyjson_alc *alc) {
    static const yyjson_alc ours = {json_malloc, json_realloc, json_free, NULL};
    return alc ? alc : &ours;
}

yyjson_doc *__wrap_yyjson_read_opts(char *bytes, size_t length, yyjson_read_flag flags, const yyjson_alc *alc,
                                    yyjson_read_err *err) {
    return __real_yyjson_read_opts(bytes, length, flags, or_ours(alc), err);
}

yyjson_mut_doc *__wrap_yyjson_mut_doc_new(const yyjson_alc *alc) { return __real_yyjson_mut_doc_new(or_ours(alc)); }

yyjson_mut_doc *__wrap_yyjson_mut_doc_mut_copy(yyjson_mut_doc *doc, const yyjson_alc *alc) {
    return __real_yyjson_mut_doc_mut_copy(doc, or_ours(alc));
}

char *__wrap_yyjson_mut_write_opts(const yyjson_mut_doc *doc, yyjson_write_flag flags, const yyjson_alc *alc, size_t *length,
                                   yyjson_write_err *err) {
    return __real_yyjson_mut_write_opts(doc, flags, or_ours(alc), length, err);
}

/* ==== Libraries that say that they had none ==== */

FAILING_CALL(History *, NULL, history_init, (void))
FAILING_CALL(EditLine *, NULL, el_init, (const char *name, FILE *in, FILE *out, FILE *err), name, in, out, err)
FAILING_CALL(struct MHD_Response *, NULL, MHD_create_response_from_buffer,
             (size_t size, void *bytes, enum MHD_ResponseMemoryMode mode), size, bytes, mode)
FAILING_CALL(struct MHD_Response *, NULL, MHD_create_response_from_buffer_static, (size_t size, const void *bytes), size,
             bytes)
FAILING_CALL(struct MHD_Response *, NULL, MHD_create_response_from_callback,
             (uint64_t size, size_t block, MHD_ContentReaderCallback read, void *data, MHD_ContentReaderFreeCallback end),
             size, block, read, data, end)
FAILING_CALL(enum MHD_Result, MHD_NO, MHD_add_response_header,
             (struct MHD_Response * to, const char *name, const char *text), to, name, text)
FAILING_CALL(lapack_int, LAPACK_WORK_MEMORY_ERROR, LAPACKE_dpstrf,
             (int layout, char uplo, lapack_int n, double *a, lapack_int lda, lapack_int *pivots, lapack_int *rank,
              double least),
             layout, uplo, n, a, lda, pivots, rank, least)
FAILING_CALL(lapack_int, LAPACK_WORK_MEMORY_ERROR, LAPACKE_dstevr,
             (int layout, char job, char range, lapack_int n, double *d, double *e, double vl, double vu, lapack_int il,
              lapack_int iu, double least, lapack_int *found, double *w, double *z, lapack_int ldz, lapack_int *support),
             layout, job, range, n, d, e, vl, vu, il, iu, least, found, w, z, ldz, support)
FAILING_CALL(lapack_int, LAPACK_WORK_MEMORY_ERROR, LAPACKE_dsyevd,
             (int layout, char job, char uplo, lapack_int n, double *a, lapack_int lda, double *w), layout, job, uplo, n, a,
             lda, w)
FAILING_CALL(lapack_int, LAPACK_WORK_MEMORY_ERROR, LAPACKE_dsyevr,
             (int layout, char job, char range, char uplo, lapack_int n, double *a, lapack_int lda, double vl, double vu,
              lapack_int il, lapack_int iu, double least, lapack_int *found, double *w, double *z, lapack_int ldz,
              lapack_int *support),
             layout, job, range, uplo, n, a, lda, vl, vu, il, iu, least, found, w, z, ldz, support)
