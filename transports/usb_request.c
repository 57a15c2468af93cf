/* See usb_request.h. */
#include "transports/usb_request.h"

#include <stdlib.h>
#include <string.h>

static void LIBUSB_CALL request_ended(struct libusb_transfer *transfer)
{
    struct jig_usb_request *request = transfer->user_data;
    request->state = request->state == JIG_USB_GIVEN_UP ? JIG_USB_NONE : JIG_USB_ANSWERED;
    jig_usb_lose_by(request->link, transfer->status);
}

static int make_request(struct jig_usb_request *request, struct jig_error *err)
{
    if (!request->bytes)
        request->bytes = calloc(1, LIBUSB_CONTROL_SETUP_SIZE + JIG_CONTROL_CAP);
    if (!request->transfer)
        request->transfer = request->link->usb.alloc_transfer(0);
    if (!request->bytes || !request->transfer)
        return jig_fail(err, JIG_ENOMEM, "%s: no memory for a control request",
                        request->link->name);
    return JIG_OK;
}

static int begin_request(struct jig_usb_request *request, const struct jig_control *control,
                         struct jig_error *err)
{
    int code = make_request(request, err);
    if (code < 0)
        return code;
    libusb_fill_control_setup(request->bytes, control->request_type, control->request,
                              control->value, control->index, control->length);
    if (control->data)
        memcpy(request->bytes + LIBUSB_CONTROL_SETUP_SIZE, control->data, control->length);
    libusb_fill_control_transfer(request->transfer, request->link->handle, request->bytes,
                                 request_ended, request, 0);
    int result = request->link->usb.submit_transfer(request->transfer);
    if (result < 0)
        return jig_usb_fail_call(request->link, result, "send a control request", err);
    request->state = JIG_USB_UNDER_WAY;
    return JIG_AGAIN;
}

static int end_request(struct jig_usb_request *request, const struct jig_control *control,
                       struct jig_error *err)
{
    const struct libusb_transfer *transfer = request->transfer;
    int n = transfer->actual_length;
    uint8_t *bytes = request->bytes + LIBUSB_CONTROL_SETUP_SIZE;
    request->state = JIG_USB_NONE;
    if (transfer->status == LIBUSB_TRANSFER_COMPLETED && control->answer)
        memcpy(control->answer, bytes, (size_t)n);
    explicit_bzero(bytes, control->length);
    switch (transfer->status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return n;
    case LIBUSB_TRANSFER_STALL:
        return jig_fail(err, JIG_EREFUSED, "%s: the device refuses control request %02x/%02x",
                        request->link->name, control->request_type, control->request);
    case LIBUSB_TRANSFER_OVERFLOW:
        return jig_fail(err, JIG_ELIMIT,
                        "%s: the device answered control request %02x/%02x with "
                        "more than %u bytes (babble)",
                        request->link->name, control->request_type, control->request,
                        control->length);
    default:
        return jig_fail(err, JIG_ESYSTEM, "%s: control request %02x/%02x ended with status %d",
                        request->link->name, control->request_type, control->request,
                        (int)transfer->status);
    }
}

void jig_usb_request_give_up(struct jig_usb_request *request)
{
    if (request->state == JIG_USB_UNDER_WAY) {
        request->state = JIG_USB_GIVEN_UP;
        request->link->usb.cancel_transfer(request->transfer);
    } else if (request->state == JIG_USB_ANSWERED) {
        request->state = JIG_USB_NONE;
    }
}

int jig_usb_request_ask(struct jig_usb_request *request, const struct jig_control *control,
                        struct jig_error *err)
{
    if (request->state == JIG_USB_NONE)
        return begin_request(request, control, err);
    return request->state == JIG_USB_ANSWERED ? end_request(request, control, err) : JIG_AGAIN;
}

bool jig_usb_request_is_flying(const struct jig_usb_request *request)
{
    return request->state == JIG_USB_UNDER_WAY || request->state == JIG_USB_GIVEN_UP;
}

void jig_usb_request_release(struct jig_usb_request *request)
{
    if (jig_usb_request_is_flying(request))
        return;
    if (request->transfer)
        request->link->usb.free_transfer(request->transfer);
    if (request->bytes)
        explicit_bzero(request->bytes, LIBUSB_CONTROL_SETUP_SIZE + JIG_CONTROL_CAP);
    free(request->bytes);
}
